"""Joint bilateral upsampling of a coarse label map: each pixel takes the vote of the cells around it.

Filtering the mask of each label and taking the argmax over labels comes to the same. Votes are counted among the
labels that stand in a pixel's window of cells, so that time and memory do not grow with the labels of a frame.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.settings.edges import JointBilateral

Maps = NDArray[np.uint8]
Floats = NDArray[np.float32]
WINDOW = 3
"""Standard deviations of the spatial weights beyond which they count as zero: they are below 0.012 there."""
WEIGHTS_AT_ONCE = 2**18
"""Of a strip of pixel rows that is voted on in one go: a megabyte, which a core's cache holds."""


def bilateral_labels(coarse: Maps, frame: NDArray[np.uint8], settings: JointBilateral) -> Maps:
    """The label with most votes at each pixel (Kopf et al. 2007); ties go to the smallest label.

    The cell q votes at the pixel p with the weight f(p - q) g(I_p - I_q): gaussians of their distance, in cells, and
    of that of their colours. The colour of a cell is the mean over its pixels, not that of its centre, as frames are
    noisy. Weights are relative to the largest at a pixel, so that they never vanish together.

    Args:
        coarse: [h, w] labels of cells.
        frame: [H, W, 3], the guide.
        settings: the standard deviations.

    Returns:
        uint8 [H, W].
    """
    (height, width), (h, w) = frame.shape[:2], coarse.shape
    guide = frame.astype(np.float32) / np.float32(255)
    colours = np.asarray(cv2.resize(guide, (w, h), interpolation=cv2.INTER_AREA), np.float32).reshape(h, w, 3)
    rows, down = _along(height, h, settings.spatial)
    columns, across = _along(width, w, settings.spatial)
    reach = len(rows) // 2, len(columns) // 2
    nearest = rows[reach[0]], columns[reach[1]]
    candidates, ranks = _candidates(coarse, reach)
    strip = max(WEIGHTS_AT_ONCE // (len(rows) * len(columns) * width), 1)
    labels = np.empty((height, width), np.uint8)
    for top in range(0, height, strip):
        part = slice(top, top + strip)
        # [places down, places across, rows of the strip, W]
        differences = guide[part] - colours[rows[:, None, part, None], columns[None, :, None]]
        exponents = np.einsum("...c,...c", differences, differences) / np.float32(-2 * settings.colour**2)
        exponents += down[:, None, part, None] + across[None, :, None]
        weights = np.exp(exponents - exponents.max((0, 1))).reshape(-1, *exponents.shape[2:])
        cells = nearest[0][part, None], nearest[1]
        labels[part] = _winners(weights, ranks[:, *cells], candidates[:, *cells])
    return labels


def _along(pixels: int, cells: int, spatial: float) -> tuple[NDArray[np.intp], Floats]:
    """Of the places of a window along one side: the cell of each pixel, within the grid, and its exponent.

    Both are [places, pixels]; beyond the grid the exponent is minus infinity.
    """
    position = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    reach = math.ceil(WINDOW * spatial)
    cell = np.floor(position + 0.5).astype(np.intp) + np.arange(-reach, reach + 1)[:, None]
    exponent = -np.square(position - cell) / (2 * spatial**2)
    inside = (cell >= 0) & (cell < cells)
    return cell.clip(0, cells - 1), np.where(inside, exponent, -np.inf).astype(np.float32)


def _candidates(coarse: Maps, reach: tuple[int, int]) -> tuple[Maps, NDArray[np.intp]]:
    """The labels in the window around each cell, ascending, and for each place of the window which of them it holds.

    Both are [places, h, w]; a window of fewer labels than places repeats its first behind them.
    """
    sides = (2 * reach[0] + 1, 2 * reach[1] + 1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(coarse, [(r, r) for r in reach], mode="edge"), sides)
    windows = np.moveaxis(windows.reshape(*coarse.shape, -1), -1, 0)
    order = windows.argsort(0, kind="stable")
    ascending = np.take_along_axis(windows, order, 0)
    changes = np.concatenate([np.zeros_like(ascending[:1], bool), ascending[1:] != ascending[:-1]])
    rank = changes.cumsum(0)
    ranks, labels = np.empty_like(rank), np.tile(ascending[:1], (len(rank), 1, 1))
    np.put_along_axis(ranks, order, rank, 0)
    np.put_along_axis(labels, rank, ascending, 0)
    return labels[: rank.max() + 1], ranks


def _winners(weights: Floats, ranks: NDArray[np.intp], labels: Maps) -> Maps:
    """[H, W] labels with most votes, by the weights [places, H, W] and `_candidates` of each pixel's cell."""
    votes = np.zeros(labels.shape, np.float32)
    pixel = np.ogrid[: labels.shape[1], : labels.shape[2]]
    for weight, rank in zip(weights, ranks, strict=True):
        votes[rank, *pixel] += weight
    return np.take_along_axis(labels, votes.argmax(0)[None], 0)[0]
