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
    outside = None if window is None else torch.from_numpy(_squared_distances(grid) > window).to(unit.device)
    matches = np.empty((len(unit) - 1, unit.shape[1]), np.int32)
    for j in range(len(unit) - 1):
        similarity = unit[j] @ unit[j + 1].T
        if outside is not None:
            similarity.masked_fill_(outside, -torch.inf)
        matches[j] = similarity.argmax(1).cpu().numpy()
    return matches


def _squared_distances(grid: tuple[int, int]) -> NDArray[np.int64]:
    row, column = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    return (row[:, None] - row) ** 2 + (column[:, None] - column) ** 2


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
