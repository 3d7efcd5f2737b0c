"""Correspondence-based refinement (section 4.2): cells are followed through a batch and vote on their label.

Grids are [h, w]; cells are numbered in raster order, 0 .. h * w - 1. Features are [n, h * w, channels].
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Cells = NDArray[np.int32]


def pair_matches(features: Tensor, grid: tuple[int, int], window: float | None) -> Cells:
    """Equation 3: for every cell of each frame the most similar cell (cosine) of the next frame.

    Args:
        features: [n, h * w, channels] of consecutive frames.
        grid: h, w.
        window: T, matches satisfy |p - q|^2 <= T (cells squared); None lifts the limit.

    Returns:
        [n - 1, h * w] cells of the next frame; ties go to the first in raster order.
    """
    unit = F.normalize(features.float(), dim=-1)
    matches = np.empty((len(unit) - 1, unit.shape[1]), np.int32)
    outside = None if window is None else _squared_distances(grid).to(unit.device) > window
    for j in range(len(unit) - 1):
        matches[j] = _most_similar(unit[j], unit[j + 1], outside)
    return matches


def direct_matches(features: Tensor, grid: tuple[int, int], window: float | None) -> Cells:
    """Variant of equation 3: for every cell of each frame the most similar cell of each other frame.

    A track of equation 4 is rounded to a cell in every frame that it crosses, so it falls behind what moves less
    than a cell a frame; these matches are rounded once. They lead to earlier frames as well as to later ones.

    Args:
        features: [n, h * w, channels] of a batch.
        grid: h, w.
        window: T, matches of frames j and k satisfy |p - q|^2 <= T (k - j)^2, as far as tracks of |k - j| steps
            reach; None lifts the limit.

    Returns:
        [n, n, h * w]: at j, k the cells of frame k for the cells of frame j (themselves where k is j); ties go to the
        first in raster order.
    """
    unit = F.normalize(features.float(), dim=-1)
    count, cells = unit.shape[:2]
    distances = _squared_distances(grid).to(unit.device)
    matches = np.empty((count, count, cells), np.int32)
    for j in range(count):
        matches[j, j] = np.arange(cells)
        for k in set(range(count)) - {j}:
            outside = None if window is None else distances > window * (k - j) ** 2
            matches[j, k] = _most_similar(unit[j], unit[k], outside)
    return matches


def _most_similar(unit: Tensor, others: Tensor, outside: Tensor | None) -> NDArray[np.int64]:
    """For each of [c, channels] unit vectors the most similar of [c', channels], but for those [c, c'] outside."""
    similarity = unit @ others.T
    if outside is not None:
        similarity.masked_fill_(outside, -torch.inf)
    return similarity.argmax(1).cpu().numpy()


def _squared_distances(grid: tuple[int, int]) -> Tensor:
    row, column = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return torch.from_numpy((row[:, None] - row) ** 2 + (column[:, None] - column) ** 2)


def vote_along_matches(maps: NDArray[np.integer], matches: Cells) -> NDArray[np.int64]:
    """Equations 4 and 5: every cell of every frame takes the majority label over its track to the batch's end.

    Args:
        maps: [n, h, w] labels of a batch.
        matches: [n - 1, h * w] as of :func:`pair_matches`.

    Returns:
        [n, h, w]; ties go to the label that is met first along the track.
    """
    count, cells = len(maps), maps[0].size
    flat = maps.reshape(count, cells)
    refined = np.empty((count, cells), np.int64)
    for j in range(count):
        track = np.empty((count - j, cells), flat.dtype)
        here = np.arange(cells)
        for k in range(j, count):
            track[k - j] = flat[k, here]
            if k + 1 < count:
                here = matches[k, here]
        refined[j] = majority_along_first_axis(track)
    return refined.reshape(maps.shape)


def vote_on_direct_matches(maps: NDArray[np.integer], matches: Cells) -> NDArray[np.int64]:
    """Equation 5 over direct matches: every cell of every frame takes the majority label over its batch.

    Args:
        maps: [n, h, w] labels of a batch.
        matches: [n, n, h * w] as of :func:`direct_matches`.

    Returns:
        [n, h, w]; ties go to the cell's own label, then to the one of the earliest frame.
    """
    flat = maps.reshape(len(maps), -1)
    refined = np.empty(flat.shape, np.int64)
    for j, own in enumerate(flat):
        others = [flat[k, matches[j, k]] for k in range(len(flat)) if k != j]
        refined[j] = majority_along_first_axis(np.stack([own, *others]))
    return refined.reshape(maps.shape)


def majority_along_first_axis(labels: NDArray[np.integer]) -> NDArray[np.int64]:
    """Most common value of each column of [k, cells]; ties go to the value that stands first in its column."""
    votes = (labels[:, None] == labels[None]).sum(1)
    first = votes.argmax(0)
    return np.take_along_axis(labels, first[None], 0)[0].astype(np.int64)


def released_tracks(features: Tensor) -> Cells:
    """Tracks of the released code: cells of a batch's first frame followed through the batch, no distance limit.

    At step k the similarity of the tracked cell p to q is
    k / (k + 1) cos(F_k[p], F_k+1[q]) + 1 / (k + 1) cos(F_k[p], F_0[q]).

    Returns:
        [n, h * w]: where the track of each cell of frame 0 is in each frame.
    """
    unit = F.normalize(features.float(), dim=-1)
    tracks = np.empty(unit.shape[:2], np.int32)
    here = torch.arange(unit.shape[1], device=unit.device)
    tracks[0] = here.cpu().numpy()
    for k in range(len(unit) - 1):
        cell = unit[k][here]
        similarity = k / (k + 1) * (cell @ unit[k + 1].T) + 1 / (k + 1) * (cell @ unit[0].T)
        here = similarity.argmax(1)
        tracks[k + 1] = here.cpu().numpy()
    return tracks


def vote_along_tracks(maps: NDArray[np.integer], tracks: Cells) -> NDArray[np.int64]:
    """The released refinement: surviving tracks write their most common label into all their frames.

    A track is dropped when one of its steps goes down or right by more than one cell (steps to smaller indices
    are not limited). Later tracks, in raster order of frame 0, overwrite; untouched cells keep their label.
    """
    count, height, width = maps.shape
    rows, columns = np.divmod(tracks, width)
    kept = (np.diff(rows, axis=0) <= 1).all(0) & (np.diff(columns, axis=0) <= 1).all(0)
    flat = maps.reshape(count, height * width).astype(np.int64)
    label = majority_along_first_axis(np.take_along_axis(flat, tracks.astype(np.int64), 1))
    refined = flat.copy()
    for j in range(count):
        # Duplicate targets: numpy keeps the last assignment, which is the later track.
        refined[j, tracks[j, kept]] = label[kept]
    return refined.reshape(maps.shape)
