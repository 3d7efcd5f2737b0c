"""Baselines on a clip whose surfaces have plain colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.cluster import KMeans

from array_clip import ArrayClip
from miniatures import moving_shapes
from zeroshot_vss.datasets.base import VOID, Frames, LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.baselines import colour_and_position, colour_maps
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.batches import Batches


class ShapesClip(ArrayClip):
    """Moving shapes with their labels."""

    def __init__(self, frames: int = 7, size: tuple[int, int] = (48, 64)) -> None:
        self.pictures, self.truth = moving_shapes(frames, size, np.random.default_rng(3))
        super().__init__("shapes", list(self.truth))

    def frames(self, indices: Sequence[int]) -> Frames:
        return self.pictures[list(indices)]


def run(clip: ShapesClip, truth: LabelMap | None, **settings: object) -> np.ndarray:
    """The baseline's maps, with the frame numbers of its batches checked."""
    chosen = Baseline.model_validate({"clusters": 6, "position": 0, "batches": Batches(size=3), **settings})
    maps_by_frame = list(colour_maps(clip, truth, chosen, range(len(clip))))
    assert [index for index, _ in maps_by_frame] == list(range(len(clip)))
    maps = np.stack([labels for _, labels in maps_by_frame])
    assert maps.shape == clip.truth.shape and maps.dtype == np.uint8
    return maps


@pytest.mark.parametrize("classifier", ["centroids", "knn", "propagation"])
@pytest.mark.parametrize("cell", [1, 4])
def test_plain_colours_are_followed(classifier: str, cell: int) -> None:
    clip = ShapesClip()
    maps = run(clip, clip.truth[0], classifier=classifier, cell=cell)
    right = (maps == clip.truth).mean()
    # Cells of four pixels blur the outlines.
    assert right > (0.99 if cell == 1 else 0.9)


@pytest.mark.parametrize("classifier", ["centroids", "knn", "propagation"])
def test_wanted_frames_are_those_of_the_whole_clip(classifier: str) -> None:
    clip = ShapesClip()
    whole = run(clip, clip.truth[0], classifier=classifier)
    given = {"clusters": 6, "position": 0, "batches": Batches(size=3), "classifier": classifier}
    chosen = Baseline.model_validate(given)
    some = dict(colour_maps(clip, clip.truth[0], chosen, {2, 5}))
    assert list(some) == [2, 5]
    assert all((some[frame] == whole[frame]).all() for frame in some)


def test_void_is_an_ordinary_label() -> None:
    clip = ShapesClip()
    truth = np.where(clip.truth[0] == 2, VOID, clip.truth[0]).astype(np.uint8)
    maps = run(clip, truth)
    assert ((maps == VOID) == (clip.truth == 2)).mean() > 0.99


@pytest.mark.parametrize("classifier", ["centroids", "knn", "propagation"])
@pytest.mark.parametrize("reference", [2, 6])
def test_a_later_frame_may_name_the_clusters(classifier: str, reference: int) -> None:
    clip = ShapesClip()
    clip.reference = reference
    maps = run(clip, clip.truth[reference], classifier=classifier)
    assert (maps == clip.truth).mean() > 0.99


def test_without_an_annotation_the_clusters_are_the_labels() -> None:
    clip = ShapesClip()
    maps = run(clip, None, clusters=4)
    assert set(np.unique(maps).tolist()) == {0, 1, 2, 3}
    pairs = set(zip(maps.ravel().tolist(), clip.truth.ravel().tolist(), strict=True))
    common = [pair for pair in pairs if ((maps == pair[0]) & (clip.truth == pair[1])).sum() > 30]
    assert len(common) == 4, "each cluster is one surface"


def test_the_same_seed_gives_the_same_maps() -> None:
    clip = ShapesClip()
    np.testing.assert_array_equal(run(clip, None, seed=5), run(clip, None, seed=5))


def test_initial_centres_come_from_the_seed() -> None:
    """Colours without groups, which K-Means parts in many ways: those of scikit-learn from the same numbers."""
    clip = ShapesClip(frames=1, size=(12, 16))
    clip.pictures = np.random.default_rng(0).integers(0, 256, clip.pictures.shape, np.uint8)
    tokens = clip.pictures[0].reshape(-1, 3) / np.float32(127.5) - 1
    padded = np.concatenate([tokens, np.zeros((len(tokens), 2), np.float32)], 1)
    results = {}
    for seed, initialisations in ((1, 3), (2, 3), (2, 1)):
        maps = run(clip, None, seed=seed, initialisations=initialisations)
        expected = KMeans(6, n_init=initialisations, random_state=seed).fit(padded)  # pyright: ignore
        assert maps.ravel().tolist() == expected.labels_.tolist()  # pyright: ignore[reportOptionalMemberAccess]
        results[maps.tobytes()] = maps
    assert len(results) == 3, "each parts them in another way"


def test_more_clusters_than_cells_are_refused() -> None:
    clip = ShapesClip()
    with pytest.raises(InputError, match="clip 'shapes': 13 clusters for 12 cells"):
        run(clip, None, cell=16, clusters=13)


def test_tokens_are_mean_colours_and_places() -> None:
    frame = np.zeros((1, 4, 6, 3), np.uint8)
    frame[0, :2, :2] = [[[255, 0, 0], [255, 0, 0]], [[255, 0, 0], [255, 255, 0]]]
    tokens = colour_and_position(frame, 2, 0.5)
    assert tokens.shape == (1, 2, 3, 5) and tokens.dtype == np.float32
    # A quarter of the first cell has green: 63.75 of 255 or, in whole numbers, 64.
    np.testing.assert_allclose(tokens[0, 0, 0], [1, -0.5, -1, -0.5, -0.5], atol=0.005)
    np.testing.assert_allclose(tokens[0, 1, 2], [-1, -1, -1, 0.5, 0.5], atol=1e-6)
    np.testing.assert_allclose(tokens[0, 0, 1, 3:], [-0.5, 0], atol=1e-6)
