"""Generated clips with objects: the same pictures as `scenes`, one id an object, masks of some frames."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from zeroshot_vss.datasets import open_dataset, scenes_objects
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols.base import get_protocol
from zeroshot_vss.metrics.scoring import score_clip
from zeroshot_vss.scenes import Label, render_clip, render_objects
from zeroshot_vss.scenes.seeds import TEST_SEEDS, VALIDATION_SEEDS

SEED = VALIDATION_SEEDS + 1
FRAMES = np.array([0, 9, 27])
KNOWN = {7: (112.447, 42.400, 2.1514), TEST_SEEDS: (121.277, 42.767, 2.5930), SEED: (135.311, 50.375, 2.3573)}
"""Mean and standard deviation of the pictures and mean of the labels, before objects were told apart."""


def options(**changes: object) -> dict[str, object]:
    return {"split": "validation", "count": 2, "frames": 6, **changes}


def labels_of(index: int = 0, **changes: object) -> np.ndarray:
    labels = open_dataset("scenes-objects", options(**changes)).clip("scene-0001").labels(index)
    assert labels is not None
    return labels


# The renderer


@pytest.mark.parametrize(("seed", "expected"), KNOWN.items())
def test_pictures_and_labels_of_known_seeds_have_not_changed(seed: int, expected: tuple[float, ...]) -> None:
    """The shipped models and the measured tables depend on them. Processors may differ in a level here and there."""
    pictures, labels = render_clip(seed, 28, FRAMES)
    assert (pictures.mean(), pictures.std(), labels.mean()) == pytest.approx(expected, abs=5e-3)


def test_objects_are_the_vehicles_and_persons() -> None:
    pictures, labels = render_clip(SEED, 28, FRAMES)
    same, objects = render_objects(SEED, 28, FRAMES)
    assert np.array_equal(pictures, same)
    assert np.array_equal(objects > 0, np.isin(labels, [Label.VEHICLE, Label.PERSON]))
    for number in np.unique(objects[objects > 0]):
        assert len(np.unique(labels[objects == number])) == 1, "an object is of one class"
    assert len(np.unique(objects)) > 3


def test_an_object_keeps_its_number() -> None:
    """Its place in the next frame overlaps that in this one more than any other object's does."""
    _, objects = render_objects(SEED, 28, np.arange(4))
    for before, after in pairwise(objects):
        for number in np.unique(before[before > 0]):
            if (before == number).sum() > 150:
                there = np.bincount(after[before == number], minlength=256)
                assert there[1:].argmax() + 1 == number


# The data set


def test_clips_show_what_those_of_scenes_show() -> None:
    data = open_dataset("scenes-objects", options())
    assert data.clips() == ["scene-0000", "scene-0001"]
    clip = data.clip("scene-0001")
    scene = open_dataset("scenes", options()).clip("scene-0001")
    assert (len(clip), clip.size, clip.reference) == (6, (128, 192), 0)
    assert np.array_equal(clip.frames([0, 5]), scene.frames([0, 5]))
    assert list(clip.mapped()) == list(range(6))
    assert data.legend is not None
    assert data.legend.names == ("background", "object 1", "object 2", "object 3")


def test_ids_are_by_size_in_the_first_frame() -> None:
    _, (objects,) = render_objects(SEED, 6, np.array([0]))
    sizes = sorted((int((objects == number).sum()) for number in np.unique(objects[objects > 0])), reverse=True)
    assert len(sizes) > 3 and sizes[-1] < sizes[1]
    clip = open_dataset("scenes-objects", options()).clip("scene-0001")
    labels, labels_later = clip.labels(0), clip.labels(5)
    assert labels is not None and labels_later is not None
    assert np.bincount(labels.ravel()).tolist()[1:] == sizes[:3]
    assert np.bincount(labels_of(objects=20, smallest=sizes[1]).ravel()).tolist()[1:] == sizes[:2]
    # Of the same objects in later frames, not of the largest there.
    _, (later,) = render_objects(SEED, 6, np.array([5]))
    for label in (1, 2, 3):
        number = objects[labels == label][0]
        assert np.array_equal(labels_later == label, later == number)


def test_one_foreground() -> None:
    data = open_dataset("scenes-objects", options(single=True))
    assert data.legend is not None and data.legend.names == ("background", "object 1")
    assert np.array_equal(labels_of(3, single=True), labels_of(3) > 0)


@pytest.mark.parametrize(("every", "kept"), [(2, [0, 2, 4, 5]), (5, [0, 5]), (9, [0, 5])])
def test_few_masks(every: int, kept: list[int]) -> None:
    clip = open_dataset("scenes-objects", options(every=every)).clip("scene-0000")
    assert list(clip.mapped()) == kept
    assert [index for index in range(6) if clip.labels(index) is not None] == kept
    truth = {index: clip.labels(index) for index in kept}
    scores = score_clip(clip, truth.__getitem__, get_protocol("davis-2017"))  # pyright: ignore[reportArgumentType]
    assert scores.frames == len(kept)


@pytest.mark.parametrize("index", [-1, 6])
def test_frames_outside_the_clip_are_refused(index: int) -> None:
    clip = open_dataset("scenes-objects", options(every=2)).clip("scene-0000")
    with pytest.raises(IndexError, match=f"frame {index} of 6"):
        clip.labels(index)


def test_clips_without_an_object_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[tuple[int, list[int]]] = []
    render = scenes_objects.render_objects

    def empty_at_first(seed: int, frames: int, only: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rendered.append((seed, only.tolist()))
        pictures, objects = render(seed, frames, only)
        return pictures, objects * (seed > SEED + 100_000)

    monkeypatch.setattr(scenes_objects, "render_objects", empty_at_first)
    monkeypatch.setattr(scenes_objects, "TRIES", 3)
    # The number of frames is one that no other test has: what was found is cached.
    clip = open_dataset("scenes-objects", options(frames=11)).clip("scene-0001")
    # Two seeds have nothing; of each the first frame alone is rendered.
    assert rendered == [(SEED, [0]), (SEED + 100_000, [0]), (SEED + 200_000, [0])]
    assert np.array_equal(clip.frames([0])[0], render_clip(SEED + 200_000, 11, np.array([0]))[0][0])
    with pytest.raises(InputError, match=r"none of the 3 seeds of clip 'scene-0001' has an object of 9999 pixels"):
        open_dataset("scenes-objects", options(frames=11, smallest=9999)).clip("scene-0001")


def test_listing_renders_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scenes_objects, "render_objects", None)
    assert len(open_dataset("scenes-objects", {"count": 100_000}).clips()) == 100_000
    with pytest.raises(InputError, match="option 'count' is 100001"):
        open_dataset("scenes-objects", {"count": 100_001})
