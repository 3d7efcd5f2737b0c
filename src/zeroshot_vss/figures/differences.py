"""What difference maps show beside their masks (figures 7, 11, 12 and 13)."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def at_size(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    """A coarse mask [h, w] at the size of frames, each pixel taking the cell that it lies in."""
    height, width = size
    return cv2.resize(mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(np.bool_)


def spill(differences: NDArray[np.floating], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The share of each difference map [m, H, W] that lies outside its mask [m, h, w]: [m], from 0 to 1.

    A map of zeros spills nothing.
    """
    inside = np.stack([at_size(mask, differences.shape[1:3]) for mask in masks])
    total = differences.sum((1, 2), dtype=np.float64)
    outside = np.where(inside, 0, differences).sum((1, 2), dtype=np.float64)
    return outside / np.where(total > 0, total, 1)


def most_spilled(
    differences: NDArray[np.floating], masks: NDArray[np.bool_], count: int, least: float = 0.02
) -> list[int]:
    """The indices of the `count` maps that spill most, largest first, among masks of at least a share of the cells.

    Small masks spill most by nature, as few pixels of theirs can be inside. Where all are small, all take part.
    """
    share = masks.mean((1, 2))
    known = spill(differences, masks)
    large = share >= least
    ranked = np.where(large, known, known - 1) if large.any() else known
    return np.argsort(-ranked, kind="stable")[:count].tolist()


def of_all_sizes(masks: NDArray[np.bool_], count: int, least: float = 0.02) -> list[int]:
    """Indices of `count` masks [m, h, w], evenly from the largest to the smallest of at least a share of the cells.

    One alone is the one in the middle. Where there are fewer, all are taken; where all are small, all take part.
    """
    share = masks.mean((1, 2))
    order = np.argsort(-share, kind="stable")
    large = [int(i) for i in order if share[i] >= least] or order.tolist()
    if count == 1:
        return [large[len(large) // 2]]
    places = np.linspace(0, len(large) - 1, min(count, len(large))).round().astype(int)
    return [large[i] for i in places]
