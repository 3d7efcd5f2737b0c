"""How much label maps are to be trusted, pixel by pixel."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

WINDOW = 9
"""Side of the neighbourhood in pixels."""


def agreement(maps: NDArray[np.uint8], window: int = WINDOW) -> NDArray[np.float32]:
    """Share of a pixel's neighbours that have its label, in its own frame and in those before and after.

    1 inside of what is steady, lower along boundaries, in speckle and where labels flicker. It is computed from the
    label maps alone and is no probability.

    Args:
        maps: [n, H, W] uint8.
        window: side of the square neighbourhood, odd; frames and pixels outside of the clip are left out.

    Returns:
        [n, H, W], above 0 and at most 1.
    """
    out = np.zeros(maps.shape, np.float32)
    size = (window, window)
    inside = cv2.boxFilter(
        np.ones(maps.shape[1:], np.float32), -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT
    )
    for label in np.unique(maps):
        counts = [
            cv2.boxFilter(frame, -1, size, normalize=False, borderType=cv2.BORDER_CONSTANT)
            for frame in (maps == label).astype(np.float32)
        ]
        for index, frame in enumerate(maps):
            near = counts[max(index - 1, 0) : index + 2]
            share = np.sum(near, axis=0) / (len(near) * inside)
            out[index][frame == label] = share[frame == label]
    return np.minimum(out, 1)
