"""Cells that are followed through the frames of a batch (figure 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def follow(cells: NDArray[np.integer], matches: NDArray[np.integer]) -> NDArray[np.int64]:
    """Where cells of the first frame are in each frame.

    Args:
        cells: [c] of the first frame, in raster order.
        matches: [n - 1, h * w], the cell of the next frame for every cell.

    Returns:
        [n, c].
    """
    positions = [np.asarray(cells, np.int64)]
    for step in matches:
        positions.append(step[positions[-1]].astype(np.int64))
    return np.stack(positions)


def select_cells(
    coarse: NDArray[np.integer], refined: NDArray[np.integer], matches: NDArray[np.integer], count: int
) -> NDArray[np.int64]:
    """Cells of the first frame whose label the vote changes, far from each other.

    The first is the one whose track leads farthest; each further one is the one farthest from those before it.

    Args:
        coarse, refined: [h, w] labels of the first frame before and after the vote.
        matches: [n - 1, h * w] of the batch.
        count: how many, at most; cells that keep their label fill up.
    """
    width = coarse.shape[1]
    changed = np.flatnonzero(coarse != refined)
    candidates = changed if len(changed) >= count else np.arange(coarse.size)
    places = np.stack(np.divmod(np.arange(coarse.size), width), -1)
    ends = follow(np.arange(coarse.size), matches)[-1]
    way = ((places[ends] - places) ** 2).sum(-1)
    chosen = [int(candidates[way[candidates].argmax()])]
    while len(chosen) < min(count, len(candidates)):
        nearest = ((places[candidates][:, None] - places[chosen]) ** 2).sum(-1).min(1)
        chosen.append(int(candidates[nearest.argmax()]))
    return np.array(chosen)


def centres(cells: NDArray[np.integer], grid: tuple[int, int]) -> NDArray[np.float64]:
    """Centres [..., 2] (y and x, from 0 to 1) of cells in raster order."""
    return (np.stack(np.divmod(cells, grid[1]), -1) + 0.5) / grid
