"""Colours for clusters that stay apart for colour-blind readers, and label maps drawn over frames."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from zeroshot_vss.datasets.base import VOID, Frames

_LEVELS = 26
_LIGHTNESS = (25.0, 94.0)
"""CIELAB L of the colours used: away from black and white."""
_CHROMA = 78.0
"""CIELAB C, at most: pure green has 120, pure blue 134."""

_FIRST = (
    (204, 71, 10), (0, 163, 255), (122, 255, 133), (112, 20, 82), (0, 173, 153), (255, 235, 71), (255, 224, 245),
    (61, 61, 31), (41, 41, 163), (235, 31, 102), (214, 61, 184), (214, 245, 194), (235, 153, 0), (153, 153, 71),
    (255, 173, 255), (0, 102, 133), (0, 61, 133), (41, 122, 255), (235, 163, 133), (112, 61, 0),
)  # fmt: skip
"""Found by exchanging colours within the limits above, so that the first n lie as far apart as one by one without a
limit of chroma, for each n from 8 to 20: at least 96 % of that; 27.5, 21.2 and 16.8 for 8, 12 and 20 (distances as in
`cluster_colours`)."""

_DICHROMACIES = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
"""Linear RGB to linear RGB: Machado, Oliveira and Fernandes 2009, severity 1.0."""

_WEIGHTS = np.array([1, 4, 4])
"""Of the squared distances under normal vision and the two others: the first has room for twice the distance."""


def cluster_colours(n: int) -> NDArray[np.uint8]:
    """The first `n` colours of a fixed list, so that a cluster keeps its colour whatever their number.

    Twenty were searched for together; each further one is that of a grid which lies farthest from those before it, by
    the smallest of three CIELAB distances: half of that under normal vision, those under protanopic and deuteranopic
    vision.

    Args:
        n: 0..256.

    Returns:
        [n, 3] uint8 RGB.
    """
    if not 0 <= n <= 256:
        raise ValueError(f"n must be in 0..256, not {n}")
    return _all_colours()[:n].copy()


def overlay(frames: Frames, labels: NDArray[np.uint8], colours: NDArray[np.uint8], alpha: float) -> Frames:
    """Draw label maps over frames: (1 - alpha) frame + alpha colour.

    Args:
        frames: [..., H, W, 3] uint8 RGB.
        labels: [..., H, W] uint8.
        colours: [n, 3] uint8 of labels 0..n-1; pixels of other labels and of VOID show the frame.
        alpha: 0..1.

    Returns:
        As `frames`.
    """
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in 0..1, not {alpha}")
    table = np.zeros((256, 3), np.float32)
    table[: len(colours)] = colours
    drawn = (labels < len(colours)) & (labels != VOID)
    mixed = (1 - alpha) * frames.astype(np.float32) + alpha * table[labels]
    return np.where(drawn[..., None], (mixed + 0.5).astype(np.uint8), frames)


def voc_colours(n: int) -> NDArray[np.uint8]:
    """The first `n` colours of Pascal VOC's colour map: bits 0, 1, 2 of an id give a channel each 128, the next three
    64, the last two 32.

    Returns:
        [n, 3] uint8 RGB, n at most 256; 255 is (224, 224, 192).
    """
    ids = np.arange(n)
    bits = [sum((ids >> (3 * place + channel) & 1) << (7 - place) for place in range(3)) for channel in range(3)]
    return np.stack(bits, axis=1).astype(np.uint8)


@cache
def _all_colours() -> NDArray[np.uint8]:
    levels = np.linspace(0, 255, _LEVELS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), -1).reshape(-1, 3)
    lightness, *opponents = np.moveaxis(rgb2lab(grid / 255.0), -1, 0)
    soft = np.hypot(*opponents) <= _CHROMA
    grid = grid[soft & (lightness >= _LIGHTNESS[0]) & (lightness <= _LIGHTNESS[1])]
    seen, chosen = _seen(grid), list(_FIRST)
    nearest = np.full(len(grid), np.iinfo(np.int64).max)
    latest = _seen(np.array(chosen, np.uint8))
    while len(chosen) < 256:
        for colour in latest:
            nearest = np.minimum(nearest, (((seen - colour) ** 2).sum(-1) * _WEIGHTS).min(1))
        best = int(nearest.argmax())
        chosen.append(tuple(grid[best].tolist()))
        latest = seen[best : best + 1]
    return np.array(chosen, np.uint8)


def _seen(colours: NDArray[np.uint8]) -> NDArray[np.int64]:
    """CIELAB under each vision, [n, visions, 3], in hundredths: whole numbers keep the choice the same everywhere."""
    encoded = colours / 255.0
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    visions = [encoded]
    for matrix in _DICHROMACIES.values():
        light = np.clip(linear @ np.array(matrix).T, 0, 1)
        visions.append(np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055))
    return (rgb2lab(np.stack(visions, 1)) * 100).round().astype(np.int64)
