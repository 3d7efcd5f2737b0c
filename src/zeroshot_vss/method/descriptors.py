"""Cells that are split, and what stands beside their tokens: place and colour. Not the paper's."""

from __future__ import annotations

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def spread_of(tokens: Floats) -> float:
    """Root of the mean squared distance of tokens [..., channels] to their mean: the unit of the weights below."""
    flat = tokens.reshape(-1, tokens.shape[-1])
    return float(np.sqrt(np.square(flat - flat.mean(0)).sum(-1).mean()))


def split_cells(tokens: Floats, parts: int) -> Floats:
    """Tokens [n, h, w, channels] of cells to those of `parts` x `parts` cells in place of each, bilinearly."""
    channels_first = torch.from_numpy(tokens).permute(0, 3, 1, 2)
    finer = F.interpolate(channels_first, scale_factor=parts, mode="bilinear", align_corners=False)
    return np.ascontiguousarray(finer.permute(0, 2, 3, 1).numpy())


def append_place(tokens: Floats, weight: float, spread: float) -> Floats:
    """Tokens with the row and the column of their cell as two further channels.

    Args:
        tokens: [n, h, w, channels].
        weight: of the place, whose rows and columns run from -1 to 1 before.
        spread: of the tokens, see `spread_of`, so that a weight means the same for every model and clip.

    Returns:
        [n, h, w, channels + 2].
    """
    count, height, width, _ = tokens.shape
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    place = np.broadcast_to(weight * spread * np.stack([y, x], -1), (count, height, width, 2))
    return np.concatenate([tokens, place.astype(np.float32)], -1)


def cell_colours(frames: NDArray[np.uint8], grid: tuple[int, int]) -> Floats:
    """[n, H, W, 3] frames to the mean colours [n, h, w, 3] of a grid's (h, w) cells, in CIELAB: L is 0 to 100."""
    small = [cv2.resize(f.astype(np.float32) / 255, grid[::-1], interpolation=cv2.INTER_AREA) for f in frames]
    return np.stack([cv2.cvtColor(f, cv2.COLOR_RGB2LAB) for f in small])


def append_colours(tokens: Floats, colours: Floats, first: Floats, weight: float, spread: float) -> Floats:
    """Tokens with the colour of their cell as three further channels.

    Args:
        tokens: [n, h, w, channels].
        colours: [n, h, w, 3], see `cell_colours`.
        first: [h, w, 3], those of the clip's first frame. Their mean becomes 0 and their spread 1, so that a weight
            means the same for pale and for colourful clips; a frame of one colour adds nothing.
        weight: of the colour.
        spread: of the tokens, see `spread_of`.

    Returns:
        [n, h, w, channels + 3].
    """
    unit = spread_of(first)
    scaled = (colours - first.mean((0, 1))) * np.float32(weight * spread / unit if unit else 0)
    return np.concatenate([tokens, scaled], -1)
