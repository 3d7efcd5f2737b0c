"""Generated clips: repeatable, exactly labelled, and not solved by colour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zeroshot_vss.scenes import HEIGHT, WIDTH, Label, render_clip
from zeroshot_vss.scenes.seeds import TEST_SEEDS, TRAIN_SEEDS, VALIDATION_SEEDS
from zeroshot_vss.training.settings import TrainingSettings

SEED, FRAMES = VALIDATION_SEEDS, 28


@pytest.fixture(scope="module")
def clip() -> tuple[np.ndarray, np.ndarray]:
    return render_clip(SEED, FRAMES)


def test_frames_and_labels(clip: tuple[np.ndarray, np.ndarray]) -> None:
    frames, labels = clip
    assert frames.shape == (FRAMES, HEIGHT, WIDTH, 3) and frames.dtype == np.uint8
    assert labels.shape == (FRAMES, HEIGHT, WIDTH) and labels.dtype == np.uint8
    assert labels.max() < len(Label) == 7
    assert frames.std() > 20


def test_the_same_seed_gives_the_same_bytes(clip: tuple[np.ndarray, np.ndarray]) -> None:
    again = render_clip(SEED, FRAMES)
    other = render_clip(SEED + 1, FRAMES)
    for first, second, third in zip(clip, again, other, strict=True):
        assert first.tobytes() == second.tobytes()
        assert (first != third).any()


def test_frames_are_the_same_whichever_are_asked_for(clip: tuple[np.ndarray, np.ndarray]) -> None:
    some = np.array([20, 3])
    for whole, part in zip(clip, render_clip(SEED, FRAMES, some), strict=True):
        np.testing.assert_array_equal(part, whole[some])


def test_things_move(clip: tuple[np.ndarray, np.ndarray]) -> None:
    _, labels = clip
    changes = [(labels[i] != labels[i + 1]).mean() for i in range(FRAMES - 1)]
    assert 0.001 < np.mean(changes) < 0.2


def test_clips_of_a_split_have_all_classes_and_objects_that_enter() -> None:
    seen: set[int] = set()
    entered = 0
    for seed in range(SEED, SEED + 4):
        _, labels = render_clip(seed, FRAMES, np.array([0, 9, 18, 27]))
        seen |= set(np.unique(labels).tolist())
        at_the_edges: Any = np.isin(labels[:, :, [0, -1]], [Label.VEHICLE, Label.PERSON]).any(1)
        entered += bool((at_the_edges[1:] & ~at_the_edges[0]).any())
    assert seen == set(range(7))
    assert entered >= 1


def test_classes_share_colours() -> None:
    """A classifier that knows every class's colours from half of the pixels fails on many of the others."""
    errors = []
    for seed in range(SEED, SEED + 3):
        frames, labels = render_clip(seed, FRAMES, np.array([0]))
        codes = (frames[0].astype(int) // 16) @ [256, 16, 1]
        columns = np.arange(WIDTH)[None, :].repeat(HEIGHT, 0) % 2 == 0
        counts = np.zeros((4096, 7), int)
        np.add.at(counts, (codes[columns], labels[0][columns]), 1)
        errors.append((counts.argmax(1)[codes[~columns]] != labels[0][~columns]).mean())
    assert np.mean(errors) > 0.1


def test_splits_are_disjoint() -> None:
    starts = [TRAIN_SEEDS, VALIDATION_SEEDS, TEST_SEEDS]
    assert starts == sorted(starts)
    assert TRAIN_SEEDS + TrainingSettings().clips <= VALIDATION_SEEDS
    assert min(np.diff(starts)) >= 1_000_000
