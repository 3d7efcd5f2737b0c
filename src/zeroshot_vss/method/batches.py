"""How a clip is cut into batches, and which noise each of their frames gets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling


class Row(NamedTuple):
    """A frame under one noise: what features are computed for."""

    frame: int
    noise: int
    """Index of the noise, see :func:`zeroshot_vss.method.seeds.gaussian`."""
    batch: int = 0
    """Number of the batch where a video model denoises its frames together; 0 where frames are independent."""


class Group(NamedTuple):
    """Rows that go through the model in one plain pass."""

    rows: list[Row]
    kept: list[int]
    """Places in `rows` of the frames whose label maps come from this pass."""


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


def rows_of_batch(batch: Sequence[int], sampling: Sampling, number: int = 0) -> list[Row]:
    """The frames of a batch, the clip's `number`-th, with their noise."""
    noises = {"frame": batch, "clip": [0] * len(batch), "batch": range(len(batch))}[sampling.noise]
    return [Row(f, n, number if sampling.coupled else 0) for f, n in zip(batch, noises, strict=True)]


def _batches(frames: int, sampling: Sampling) -> list[list[Row]]:
    """Rows of each batch; the whole clip as one where nothing depends on batches."""
    if sampling.batches is None:
        return [rows_of_batch(range(frames), sampling)]
    return [rows_of_batch(batch, sampling, i) for i, batch in enumerate(cut(frames, sampling.batches))]


def rows_of_clip(frames: int, sampling: Sampling) -> list[Row]:
    """Every row that some batch of the clip needs, once, in order of first use."""
    return list(dict.fromkeys(row for batch in _batches(frames, sampling) for row in batch))


def final_rows(frames: int, sampling: Sampling) -> list[Row]:
    """One row a frame: that of the last batch which holds it, whose result stands."""
    last = {row.frame: row for batch in _batches(frames, sampling) for row in batch}
    return [last[frame] for frame in range(frames)]


def feature_groups(frames: int, sampling: Sampling, at_once: int) -> list[list[Row]]:
    """The rows of a clip as they go through the model: batches of a video model, `at_once` frames otherwise."""
    if sampling.coupled:
        return _batches(frames, sampling)
    rows = rows_of_clip(frames, sampling)
    return [rows[i : i + at_once] for i in range(0, len(rows), at_once)]


def map_groups(frames: int, wanted: Sequence[int], sampling: Sampling | None, at_once: int) -> list[Group]:
    """The plain passes that the label maps of the wanted frames need.

    Without sampling (upsamplers that run no model) rows only carry the frames.
    """
    final = [Row(frame, frame) for frame in range(frames)] if sampling is None else final_rows(frames, sampling)
    chosen = [final[frame] for frame in wanted]
    if sampling is None or not sampling.coupled:
        parts = [chosen[i : i + at_once] for i in range(0, len(chosen), at_once)]
        return [Group(part, list(range(len(part)))) for part in parts]
    asked = set(chosen)
    groups = [Group(rows, [i for i, row in enumerate(rows) if row in asked]) for rows in _batches(frames, sampling)]
    return [group for group in groups if group.kept]
