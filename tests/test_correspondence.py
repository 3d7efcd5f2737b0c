"""Correspondence-based refinement against slow computations straight from the definitions, and on known scenes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from zeroshot_vss.method.correspondence import (
    direct_matches,
    majority_along_first_axis,
    pair_matches,
    released_tracks,
    vote_along_matches,
    vote_along_tracks,
    vote_on_direct_matches,
)

Maps = NDArray[np.int64]
few = settings(max_examples=60, deadline=None)


@st.composite
def scenes(draw: st.DrawFn, distinct: bool = True) -> tuple[NDArray[np.float32], Maps]:
    """Features [n, h * w, channels] and label maps [n, h, w] of small grids.

    With `distinct` no two similarities are equal; otherwise tokens are unit vectors, and most are.
    """
    frames, height, width = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if distinct:
        features = rng.standard_normal((frames, height * width, 5))
    else:
        features = np.eye(3)[rng.integers(0, 3, (frames, height * width))]
    return features.astype(np.float32), rng.integers(0, 4, (frames, height, width))


def cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    x, y = a.astype(np.float64), b.astype(np.float64)
    return float(x @ y / np.sqrt((x @ x) * (y @ y)))


def slow_matches(features: NDArray[np.float32], width: int, window: float | None) -> list[list[int]]:
    """Equation 3, a cell at a time."""
    actual = []
    for here, there in pairwise(features):
        row = []
        for p, token in enumerate(here):
            near = [
                q
                for q in range(len(there))
                if window is None or (p // width - q // width) ** 2 + (p % width - q % width) ** 2 <= window
            ]
            row.append(max(near, key=lambda q: cosine(token, there[q])))
        actual.append(row)
    return actual


def most_common(labels: list[int]) -> int:
    """Ties go to the label met first."""
    return max(dict.fromkeys(labels), key=labels.count)


def slow_vote(maps: Maps, matches: list[list[int]]) -> Maps:
    """Equations 4 and 5: every cell of every frame is followed to the end on its own."""
    count, height, width = maps.shape
    flat = maps.reshape(count, -1)
    refined = np.empty_like(flat)
    for j in range(count):
        for p in range(height * width):
            track, q = [int(flat[j, p])], p
            for k in range(j, count - 1):
                q = matches[k][q]
                track.append(int(flat[k + 1, q]))
            refined[j, p] = most_common(track)
    return refined.reshape(maps.shape)


# The equations

windows = st.sampled_from([0, 1, 2, 4, 5, 8, None])


@few
@given(scenes(), windows)
def test_matches_and_votes_are_those_of_the_equations(scene: tuple[NDArray, Maps], window: float | None) -> None:
    features, maps = scene
    height, width = maps.shape[1:]
    matches = pair_matches(torch.from_numpy(features), (height, width), window)
    slow = slow_matches(features, width, window)
    assert matches.shape == (len(features) - 1, height * width)
    assert matches.tolist() == slow
    assert np.array_equal(vote_along_matches(maps, matches), slow_vote(maps, slow))


@few
@given(scenes(distinct=False), windows)
def test_of_equally_similar_cells_the_first_is_taken(scene: tuple[NDArray, Maps], window: float | None) -> None:
    features, maps = scene
    height, width = maps.shape[1:]
    actual = pair_matches(torch.from_numpy(features), (height, width), window)
    assert actual.tolist() == slow_matches(features, width, window)


@few
@given(scenes())
def test_length_of_features_does_not_matter(scene: tuple[NDArray, Maps]) -> None:
    features, maps = scene
    scale = np.random.default_rng(0).uniform(0.1, 10, (*features.shape[:2], 1)).astype(np.float32)
    grid = maps.shape[1], maps.shape[2]
    plain, scaled = (pair_matches(torch.from_numpy(f), grid, 2) for f in (features, features * scale))
    assert np.array_equal(plain, scaled)


def test_without_motion_allowed_cells_keep_their_place() -> None:
    features = torch.from_numpy(np.random.default_rng(0).standard_normal((3, 12, 4)).astype(np.float32))
    assert (pair_matches(features, (3, 4), 0) == np.arange(12)).all()


def test_majority_by_hand() -> None:
    columns = {(1, 2, 2): 2, (3, 1, 1, 3): 3, (1, 3, 3, 1): 1, (5, 4, 6): 5, (7,): 7, (9, 8, 8, 9, 8): 8}
    for column, expected in columns.items():
        assert majority_along_first_axis(np.array(column)[:, None]).tolist() == [expected]


# Direct matches


def slow_direct_vote(features: NDArray[np.float32], maps: Maps, window: float | None) -> Maps:
    """Every cell looks for itself in each other frame, and counts the labels found there with its own."""
    count, height, width = maps.shape
    refined = np.empty_like(maps)
    for j in range(count):
        for row in range(height):
            for column in range(width):
                labels = [int(maps[j, row, column])]
                for k in [k for k in range(count) if k != j]:
                    best, place = -2.0, (0, 0)
                    for y in range(height):
                        for x in range(width):
                            if window is not None and (y - row) ** 2 + (x - column) ** 2 > window * (k - j) ** 2:
                                continue
                            alike = cosine(features[j, row * width + column], features[k, y * width + x])
                            if alike > best:
                                best, place = alike, (y, x)
                    labels.append(int(maps[k][place]))
                refined[j, row, column] = most_common(labels)
    return refined


@settings(max_examples=40, deadline=None)
@given(scenes(), windows)
def test_direct_votes_are_those_of_a_literal_search(scene: tuple[NDArray, Maps], window: float | None) -> None:
    features, maps = scene
    count, height, width = maps.shape
    matches = direct_matches(torch.from_numpy(features), (height, width), window)
    assert matches.shape == (count, count, height * width)
    assert np.array_equal(vote_on_direct_matches(maps, matches), slow_direct_vote(features, maps, window))


def test_direct_matches_keep_up_with_what_moves_less_than_a_cell_a_frame() -> None:
    """A ramp of tokens that moves 0.4 cells a frame: each step is rounded to none, five at once to two cells."""
    places = np.arange(12)[None] - 0.4 * np.arange(7)[:, None]
    features = np.stack([np.cos(places / 8), np.sin(places / 8)], -1).astype(np.float32)
    maps = places[:, None].round().astype(np.int64)
    matches = direct_matches(torch.from_numpy(features), (1, 12), 2)
    assert (matches[0, 5, :10] == np.arange(10) + 2).all() and (matches[5, 0, 2:] == np.arange(10)).all()
    steps = pair_matches(torch.from_numpy(features), (1, 12), 2)
    assert (steps == np.arange(12)).all()
    refined = vote_on_direct_matches(maps, matches)
    assert np.array_equal(refined[0, 0, :9], maps[0, 0, :9])
    assert not np.array_equal(vote_along_matches(maps, steps)[0, 0, :9], maps[0, 0, :9])


# The released code


def slow_tracks(features: NDArray[np.float32]) -> list[list[int]]:
    """Cells of frame 0 followed through the batch, [n][cells]."""
    cells = range(features.shape[1])
    tracks = [list(cells)]
    for k in range(len(features) - 1):
        step = []
        for p in tracks[-1]:
            token = features[k, p]
            scores = [
                k / (k + 1) * cosine(token, features[k + 1, q]) + 1 / (k + 1) * cosine(token, features[0, q])
                for q in cells
            ]
            step.append(int(np.argmax(scores)))
        tracks.append(step)
    return tracks


def slow_released_vote(maps: Maps, tracks: NDArray[np.integer]) -> Maps:
    refined = maps.copy()
    width = maps.shape[2]
    for track in np.asarray(tracks).T.tolist():
        places = [divmod(cell, width) for cell in track]
        if any(b[0] - a[0] > 1 or b[1] - a[1] > 1 for a, b in pairwise(places)):
            continue
        label = most_common([int(maps[j][place]) for j, place in enumerate(places)])
        for j, place in enumerate(places):
            refined[j][place] = label
    return refined


@few
@given(scenes())
def test_released_tracks_are_those_of_the_definition(scene: tuple[NDArray, Maps]) -> None:
    features, maps = scene
    tracks = released_tracks(torch.from_numpy(features))
    assert tracks.tolist() == slow_tracks(features)
    assert np.array_equal(vote_along_tracks(maps, tracks), slow_released_vote(maps, tracks))
    # The first step compares frame 0 with itself.
    assert np.array_equal(tracks[0], tracks[min(1, len(tracks) - 1)])


@few
@given(scenes(), st.integers(0, 2**32 - 1))
def test_released_votes_along_any_tracks(scene: tuple[NDArray, Maps], seed: int) -> None:
    maps = scene[1]
    count, height, width = maps.shape
    rng = np.random.default_rng(seed)
    # Tracks whose steps are small, so that some survive, cross and overwrite each other.
    rows = np.cumsum(rng.integers(-1, 2, (count, height * width)), 0) + np.arange(height * width) // width
    columns = np.cumsum(rng.integers(-1, 2, (count, height * width)), 0) + np.arange(height * width) % width
    tracks = (rows % height * width + columns % width).astype(np.int32)
    assert np.array_equal(vote_along_tracks(maps, tracks), slow_released_vote(maps, tracks))


def test_steps_up_and_left_are_not_limited() -> None:
    # One row of four cells, two frames; each track is [start, end].
    maps = np.array([[[1, 2, 3, 4]], [[5, 6, 7, 8]]])
    tracks = np.array([[0, 1, 2, 3], [1, 3, 2, 0]], np.int32)
    # Cell 1 goes right by two and is dropped; cell 3 goes left by three and stays. Ties go to the earlier frame.
    assert vote_along_tracks(maps, tracks).tolist() == [[[1, 2, 3, 4]], [[4, 1, 3, 8]]]


def test_later_tracks_overwrite_earlier_ones() -> None:
    maps = np.array([[[1, 2, 3]], [[5, 6, 7]]])
    tracks = np.array([[0, 1, 2], [1, 1, 1]], np.int32)
    assert vote_along_tracks(maps, tracks).tolist() == [[[1, 2, 3]], [[5, 3, 7]]]


# Known scenes

HEIGHT, WIDTH, FRAMES = 7, 9, 5


def scene(motion: tuple[int, int]) -> tuple[torch.Tensor, Maps]:
    """Views of a large picture with a token of its own at each place, and their labels."""
    rng = np.random.default_rng(3)
    margin = FRAMES * 2
    picture = rng.standard_normal((HEIGHT + 2 * margin, WIDTH + 2 * margin, 16)).astype(np.float32)
    labels = np.add.outer(np.arange(picture.shape[0]) // 3, np.arange(picture.shape[1]) // 4)
    features, maps = [], []
    for k in range(FRAMES):
        top, left = margin - k * motion[0], margin - k * motion[1]
        view = np.s_[top : top + HEIGHT, left : left + WIDTH]
        features.append(picture[view].reshape(HEIGHT * WIDTH, -1))
        maps.append(labels[view])
    return torch.from_numpy(np.stack(features)), np.stack(maps)


def with_errors(clean: Maps, frames: list[int]) -> Maps:
    """One cell in five is wrong in the given frames, other cells in each."""
    noisy = clean.copy()
    for frame in frames:
        wrong = (np.arange(HEIGHT * WIDTH) % 5 == frame).reshape(HEIGHT, WIDTH)
        noisy[frame][wrong] = 99
    return noisy


def test_in_a_still_scene_every_error_is_outvoted() -> None:
    features, clean = scene((0, 0))
    noisy = with_errors(clean, [0, 1, 2, 3, 4])
    tracks = released_tracks(features)
    assert (tracks == np.arange(HEIGHT * WIDTH)).all()
    assert np.array_equal(vote_along_tracks(noisy, tracks), clean)
    matches = pair_matches(features, (HEIGHT, WIDTH), 2)
    assert (matches == np.arange(HEIGHT * WIDTH)).all()
    refined = vote_along_matches(noisy, matches)
    # A track of the equations starts in its own frame: the last frame is alone and stays, and of two frames the
    # first wins.
    assert np.array_equal(refined[:3], clean[:3])
    assert np.array_equal(refined[3:], noisy[3:])


@pytest.mark.parametrize("motion", [(1, -1), (0, 1), (-1, 0)])
def test_motion_within_the_window_is_followed(motion: tuple[int, int]) -> None:
    features, clean = scene(motion)
    matches = pair_matches(features, (HEIGHT, WIDTH), 2)
    row, column = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    row, column = row + motion[0], column + motion[1]
    inside = (row >= 0) & (row < HEIGHT) & (column >= 0) & (column < WIDTH)
    assert (matches[:, inside] == (row * WIDTH + column)[inside]).all()

    noisy = with_errors(clean, [0])
    refined = vote_along_matches(noisy, matches)[0].ravel()
    start_row, start_column = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    last_row, last_column = start_row + (FRAMES - 1) * motion[0], start_column + (FRAMES - 1) * motion[1]
    stays = (last_row >= 0) & (last_row < HEIGHT) & (last_column >= 0) & (last_column < WIDTH)
    assert (noisy[0].ravel()[stays] != clean[0].ravel()[stays]).any()
    assert np.array_equal(refined[stays], clean[0].ravel()[stays])


def test_motion_beyond_the_window_is_not_followed() -> None:
    features, _clean = scene((1, -1))
    row, column = np.divmod(np.arange(HEIGHT * WIDTH), WIDTH)
    there = ((row + 1) * WIDTH + column - 1)[(row + 1 < HEIGHT) & (column > 0)]
    here = np.arange(HEIGHT * WIDTH)[(row + 1 < HEIGHT) & (column > 0)]
    # A diagonal step has the squared length 2.
    assert not (pair_matches(features, (HEIGHT, WIDTH), 1)[:, here] == there).any()
    assert (pair_matches(features, (HEIGHT, WIDTH), 2)[:, here] == there).all()
