"""How a clip is cut into batches, and which noise each of their frames gets."""

from __future__ import annotations

from typing import NamedTuple

from zeroshot_vss.settings import Batches, Sampling


class Row(NamedTuple):
    """A frame under one noise: what features are computed for."""

    frame: int
    noise: int
    """Index of the noise, see :func:`zeroshot_vss.seeds.gaussian`."""


def cut(frames: int, batches: Batches) -> list[list[int]]:
    """Frame numbers of each batch, in order.

    A `short` last batch holds what is left. `shifted` repeats the released code: there are
    frames // size + 1 batches and the last one is moved back to be full, so that it runs twice when the
    length is a multiple of the size. A clip shorter than a batch is one short batch either way.
    """
    size = batches.size
    if batches.last == "short" or frames < size:
        return [list(range(i, min(i + size, frames))) for i in range(0, frames, size)]
    starts = [min(i * size, frames - size) for i in range(frames // size + 1)]
    return [list(range(start, start + size)) for start in starts]


def rows_of_batch(batch: list[int], sampling: Sampling) -> list[Row]:
    """The frames of a batch with their noise."""
    if sampling.noise == "frame":
        return [Row(frame, frame) for frame in batch]
    if sampling.noise == "clip":
        return [Row(frame, 0) for frame in batch]
    return [Row(frame, place) for place, frame in enumerate(batch)]


def rows_of_clip(frames: int, sampling: Sampling) -> list[Row]:
    """Every row that some batch of the clip needs, once, in order of first use."""
    if sampling.batches is None:
        return rows_of_batch(list(range(frames)), sampling)
    rows = [row for batch in cut(frames, sampling.batches) for row in rows_of_batch(batch, sampling)]
    return list(dict.fromkeys(rows))


def final_rows(frames: int, sampling: Sampling) -> list[Row]:
    """One row a frame: that of the last batch which holds it, whose result stands."""
    if sampling.batches is None:
        return rows_of_batch(list(range(frames)), sampling)
    last = {row.frame: row for batch in cut(frames, sampling.batches) for row in rows_of_batch(batch, sampling)}
    return [last[frame] for frame in range(frames)]
