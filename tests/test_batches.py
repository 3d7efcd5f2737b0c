"""Batches, the noise of their frames, and where random numbers come from."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from zeroshot_vss.method.batches import Row, cut, final_rows, rows_of_batch, rows_of_clip
from zeroshot_vss.method.seeds import gaussian
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling

Last = Literal["short", "shifted"]
lengths = st.integers(1, 30)
sizes = st.integers(1, 9)
lasts = st.sampled_from(["short", "shifted"])
quick = settings(max_examples=80, deadline=None)


def by_place(size: int, last: Last) -> Sampling:
    return Sampling(noise="batch", batches=Batches(size=size, last=last))


# Cutting


@pytest.mark.parametrize(
    ("frames", "size", "last", "batches"),
    [
        (7, 3, "short", [[0, 1, 2], [3, 4, 5], [6]]),
        (6, 3, "short", [[0, 1, 2], [3, 4, 5]]),
        (2, 3, "short", [[0, 1]]),
        (1, 1, "short", [[0]]),
        (7, 3, "shifted", [[0, 1, 2], [3, 4, 5], [4, 5, 6]]),
        (8, 5, "shifted", [[0, 1, 2, 3, 4], [3, 4, 5, 6, 7]]),
        # A whole number of batches: the last one runs twice.
        (6, 3, "shifted", [[0, 1, 2], [3, 4, 5], [3, 4, 5]]),
        (3, 3, "shifted", [[0, 1, 2], [0, 1, 2]]),
        # The released code crashes on a clip shorter than a batch; here it is one short batch.
        (2, 3, "shifted", [[0, 1]]),
    ],
)
def test_cut_by_hand(frames: int, size: int, last: Last, batches: list[list[int]]) -> None:
    assert cut(frames, Batches(size=size, last=last)) == batches


@quick
@given(lengths, sizes)
def test_short_batches_hold_every_frame_once(frames: int, size: int) -> None:
    batches = cut(frames, Batches(size=size, last="short"))
    assert [frame for batch in batches for frame in batch] == list(range(frames))
    assert all(len(batch) == size for batch in batches[:-1])
    assert 1 <= len(batches[-1]) <= size


@quick
@given(lengths, sizes)
def test_shifted_batches_are_full_and_hold_every_frame(frames: int, size: int) -> None:
    batches = cut(frames, Batches(size=size, last="shifted"))
    assert {frame for batch in batches for frame in batch} == set(range(frames))
    assert all(len(batch) == min(size, frames) for batch in batches)
    assert batches[-1][-1] == frames - 1


# Rows


def test_rows_of_a_batch_in_the_three_noise_modes() -> None:
    batch = [4, 5, 6]
    assert rows_of_batch(batch, Sampling(noise="frame")) == [Row(4, 4), Row(5, 5), Row(6, 6)]
    assert rows_of_batch(batch, Sampling(noise="clip")) == [Row(4, 0), Row(5, 0), Row(6, 0)]
    assert rows_of_batch(batch, by_place(3, "shifted")) == [Row(4, 0), Row(5, 1), Row(6, 2)]


def test_rows_of_a_clip_in_the_three_noise_modes() -> None:
    assert rows_of_clip(3, Sampling(noise="frame")) == [Row(0, 0), Row(1, 1), Row(2, 2)]
    assert rows_of_clip(3, Sampling(noise="clip")) == [Row(0, 0), Row(1, 0), Row(2, 0)]
    # Batches 0 1 2, 3 4 5 and 4 5 6: frames 4 and 5 are wanted under two noises.
    first = [Row(0, 0), Row(1, 1), Row(2, 2), Row(3, 0), Row(4, 1), Row(5, 2)]
    assert rows_of_clip(7, by_place(3, "shifted")) == [*first, Row(4, 0), Row(5, 1), Row(6, 2)]
    assert rows_of_clip(7, by_place(3, "short")) == [*first, Row(6, 0)]


def test_a_batch_that_runs_twice_needs_its_rows_once() -> None:
    rows = [Row(0, 0), Row(1, 1), Row(2, 2), Row(3, 0), Row(4, 1), Row(5, 2)]
    assert rows_of_clip(6, by_place(3, "shifted")) == rows
    assert final_rows(6, by_place(3, "shifted")) == rows


def test_the_later_of_two_results_stands() -> None:
    expected = [Row(0, 0), Row(1, 1), Row(2, 2), Row(3, 0), Row(4, 0), Row(5, 1), Row(6, 2)]
    assert final_rows(7, by_place(3, "shifted")) == expected


@pytest.mark.parametrize("noise", ["frame", "clip"])
def test_without_batches_every_row_is_final(noise: Literal["frame", "clip"]) -> None:
    sampling = Sampling(noise=noise)
    assert final_rows(5, sampling) == rows_of_clip(5, sampling)


@quick
@given(lengths, sizes, lasts)
def test_final_rows_are_one_a_frame_among_the_rows_of_the_clip(frames: int, size: int, last: Last) -> None:
    sampling = by_place(size, last)
    rows = rows_of_clip(frames, sampling)
    assert len(rows) == len(set(rows))
    final = final_rows(frames, sampling)
    assert [row.frame for row in final] == list(range(frames))
    assert set(final) <= set(rows)
    assert all(row.noise < size for row in rows)


# Seeds


def test_numbers_do_not_depend_on_the_order_in_which_they_are_drawn() -> None:
    shape = (4, 6, 5)
    forwards = [gaussian(shape, 1, "noise", index) for index in range(4)]
    torch.manual_seed(0)
    backwards = [gaussian(shape, 1, "noise", index) for index in reversed(range(4))]
    for one, other in zip(forwards, reversed(backwards), strict=True):
        assert torch.equal(one, other)


def test_numbers_depend_on_seed_purpose_and_index() -> None:
    shape = (8,)
    drawn = [
        gaussian(shape, 1, "noise", 0),
        gaussian(shape, 2, "noise", 0),
        gaussian(shape, 1, "posterior", 0),
        gaussian(shape, 1, "noise", 1),
        # Seed and index must not be exchangeable.
        gaussian(shape, 0, "noise", 1),
    ]
    for i, one in enumerate(drawn):
        assert all(not torch.equal(one, other) for other in drawn[:i])


def test_numbers_are_standard_normal() -> None:
    drawn = gaussian((4, 100, 100), 3, "noise", 7)
    assert drawn.dtype == torch.float32
    assert drawn.shape == (4, 100, 100)
    # 40,000 numbers: the mean's standard error is 0.005, the standard deviation's 0.0035.
    assert abs(float(drawn.mean())) < 0.025
    assert float(drawn.std()) == pytest.approx(1, abs=0.02)
    assert float((drawn.abs() < 1).float().mean()) == pytest.approx(0.6827, abs=0.015)


def test_drawing_leaves_global_generators_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    gaussian((2, 2), 1, "noise", 0)
    assert torch.equal(torch.rand(3), expected)
