"""Run lengths of masks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


def run_lengths(flat: NDArray[np.bool_]) -> list[int]:
    """Lengths of the runs of [n], beginning with that of False, which may be 0."""
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    lengths = np.diff(np.concatenate([[0], changes, [flat.size]])).tolist()
    return [0, *lengths] if flat.size and flat[0] else lengths


class Box(NamedTuple):
    """The pixels that a mask reaches."""

    left: int
    top: int
    width: int
    height: int


def box_of(mask: NDArray[np.bool_]) -> Box:
    """The smallest box around the pixels of [H, W], of which there is at least one."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    top, left = int(rows[0]), int(columns[0])
    return Box(left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1)


def coco_rle(mask: NDArray[np.bool_]) -> dict[str, list[int]]:
    """[H, W] as COCO's uncompressed run lengths: column by column."""
    return {"size": list(mask.shape), "counts": run_lengths(mask.reshape(-1, order="F"))}
