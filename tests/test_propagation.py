"""Label propagation, and what stands beside tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from skimage.color import rgb2lab

from array_clip import ArrayClip
from coarse_stage import coarse_job
from zeroshot_vss.datasets.base import VOID
from zeroshot_vss.method import propagation
from zeroshot_vss.method.context import assign_labels, cluster, normalise_tokens
from zeroshot_vss.method.descriptors import append_colours, append_place, cell_colours, split_cells, spread_of
from zeroshot_vss.method.propagation import propagate_labels
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.propagation import Propagation
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.stages.coarse import label_clip

Floats = NDArray[np.float32]
VOTES = Propagation(frames=2, neighbours=3, temperature=0.5)
"""Other than the defaults."""


def random_tokens(frames: int, grid: tuple[int, int] = (4, 5), channels: int = 6, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).standard_normal((frames, *grid, channels)).astype(np.float32)


def literal(tokens: Floats, first: NDArray[Any], settings: Propagation) -> NDArray[np.int64]:
    """The definition, a cell at a time, in double precision."""
    names = sorted(set(first.ravel().tolist()))
    flat = tokens.reshape(len(tokens), -1, tokens.shape[-1]).astype(float)
    flat = flat - flat[0].mean(0)
    votes = [np.array([[float(label == name) for name in names] for label in first.ravel()])]
    for frame in range(1, len(flat)):
        seen = sorted({0, *range(max(frame - settings.frames, 0), frame)})
        others, theirs = np.concatenate([flat[i] for i in seen]), np.concatenate([votes[i] for i in seen])
        here = []
        for token in flat[frame]:
            cosines = others @ token / np.linalg.norm(others, axis=1) / np.linalg.norm(token)
            nearest = np.argsort(-cosines)[: settings.neighbours]
            weights = np.exp(cosines[nearest] / settings.temperature)
            here.append(weights @ theirs[nearest] / weights.sum())
        votes.append(np.array(here))
    return np.array(names)[np.stack(votes).argmax(-1)].reshape(tokens.shape[:3])


@pytest.mark.parametrize("settings", [Propagation(), VOTES])
def test_votes_are_those_of_the_definition_however_the_clip_is_cut(settings: Propagation) -> None:
    tokens = random_tokens(12)
    first = np.random.default_rng(1).choice([3, 9, VOID], tokens.shape[1:3])
    expected = literal(tokens, first, settings)
    assert len(np.unique(expected[1:])) > 1
    for size in (12, 5, 1):
        batches = [tokens[i : i + size] for i in range(0, 12, size)]
        made = list(propagate_labels(batches, first, settings))
        assert [m.shape[0] for m in made] == [len(b) for b in batches]
        assert np.array_equal(np.concatenate(made), expected)


def test_similarities_that_do_not_fit_are_computed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, first = random_tokens(6), np.arange(20).reshape(4, 5) % 3
    whole = next(propagate_labels([tokens], first, Propagation()))
    monkeypatch.setattr(propagation, "SCORES_AT_ONCE", 1)
    assert np.array_equal(next(propagate_labels([tokens], first, Propagation())), whole)


def test_labels_follow_tokens_that_move() -> None:
    first = np.arange(20).reshape(4, 5)
    cells = random_tokens(1, channels=32)[0]
    order = [np.random.default_rng(i).permutation(20) for i in range(9)]
    order[0] = np.arange(20)
    tokens = np.stack([cells.reshape(20, -1)[o].reshape(cells.shape) for o in order])
    made = next(propagate_labels([tokens], first, Propagation(neighbours=1)))
    assert np.array_equal(made.reshape(9, 20), np.stack(order))


def test_the_first_frame_votes_to_the_end() -> None:
    # Three frames of noise between; afterwards the first frame's tokens come back.
    tokens = random_tokens(6)
    tokens[5] = tokens[0]
    first = np.arange(20).reshape(4, 5)
    made = next(propagate_labels([tokens], first, Propagation(frames=1, neighbours=1)))
    assert np.array_equal(made[5], first)


def test_fewer_cells_than_neighbours() -> None:
    tokens = random_tokens(3, grid=(1, 2))
    made = next(propagate_labels([tokens], np.array([[4, 4]]), Propagation(neighbours=50)))
    assert np.array_equal(made, np.full((3, 1, 2), 4))


def test_a_token_that_is_not_finite() -> None:
    tokens = random_tokens(3)
    tokens[2, 1, 1, 0] = np.nan
    with pytest.raises(ValueError, match="NaN or infinity"):
        list(propagate_labels([tokens], np.zeros((4, 5), int), Propagation()))


def test_propagation_excludes_what_it_replaces() -> None:
    with pytest.raises(ValueError, match="memory is of the classifier"):
        ContextModel(propagation=Propagation(), memory="first-frame")
    with pytest.raises(ValueError, match="components is of the classifier"):
        ContextModel(propagation=Propagation(), components=3)
    with pytest.raises(ValueError, match="set refinement to null"):
        MethodSettings(context=ContextModel(propagation=Propagation()))
    with pytest.raises(ValueError, match=r"refinement or context\.split"):
        MethodSettings(context=ContextModel(split=2))


# Beside a token


def test_the_place_beside_a_token() -> None:
    tokens = np.random.default_rng(0).standard_normal((2, 3, 5, 4)).astype(np.float32)
    spread = spread_of(tokens[:1])
    assert spread == pytest.approx(np.sqrt(tokens[0].reshape(-1, 4).var(0).sum()), rel=1e-5)
    actual = append_place(tokens, 0.5, spread)
    assert actual.dtype == np.float32 and np.array_equal(actual[..., :4], tokens)
    assert np.allclose(actual[:, 0, :, 4], -0.5 * spread) and np.allclose(actual[:, 2, :, 4], 0.5 * spread)
    assert np.allclose(actual[:, :, 2, 5], 0) and np.allclose(actual[:, :, 4, 5], 0.5 * spread)
    # The weight means the same however large the tokens are.
    assert np.allclose(append_place(3 * tokens, 0.5, spread_of(3 * tokens[:1])), 3 * actual, rtol=1e-5)


def test_colours_of_cells_are_means_in_cielab() -> None:
    frames = np.random.default_rng(0).integers(0, 256, (2, 12, 20, 3), dtype=np.uint8)
    means = frames.reshape(2, 3, 4, 5, 4, 3).mean((2, 4)) / 255
    actual = cell_colours(frames, (3, 5))
    assert actual.dtype == np.float32 and actual.shape == (2, 3, 5, 3)
    assert np.allclose(actual, rgb2lab(means), atol=0.5)  # OpenCV's are from tables.


def test_the_colour_beside_a_token() -> None:
    tokens = random_tokens(2, (3, 5), 4)
    colours = np.random.default_rng(1).uniform(0, 100, (2, 3, 5, 3)).astype(np.float32)
    actual = append_colours(tokens, colours, colours[0], 0.5, spread_of(tokens[:1]))
    assert actual.dtype == np.float32 and np.array_equal(actual[..., :4], tokens)
    # On the first frame half the tokens' spread, about 0; on others the same scale.
    assert spread_of(actual[0, ..., 4:]) == pytest.approx(0.5 * spread_of(tokens[0]), rel=1e-5)
    assert np.allclose(actual[0, ..., 4:].mean((0, 1)), 0, atol=1e-5)
    scale = 0.5 * spread_of(tokens[0]) / spread_of(colours[0])
    assert np.allclose(np.diff(actual[..., 4:], axis=0), scale * np.diff(colours, axis=0), atol=1e-5)
    # A frame of one colour divides by no spread.
    grey = np.full_like(colours, 50)
    assert not append_colours(tokens, grey, grey[0], 0.5, 1.0)[..., 4:].any()


def test_split_cells_are_interpolated() -> None:
    tokens = random_tokens(2, (3, 5), 7)
    actual = split_cells(tokens, 2)
    assert actual.shape == (2, 6, 10, 7) and actual.dtype == np.float32
    for frame in range(2):
        for channel in range(7):
            expected = cv2.resize(tokens[frame, ..., channel], (10, 6), interpolation=cv2.INTER_LINEAR)
            assert np.allclose(actual[frame, ..., channel], expected, atol=1e-5)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_labels() -> None:
    tokens, first = random_tokens(12), np.arange(20).reshape(4, 5) % 3
    ours, theirs = (next(propagate_labels([tokens], first, Propagation(), d)) for d in ("cpu", "cuda"))
    assert (ours == theirs).mean() > 0.99


# In the stage


def test_the_stage_describes_clusters_and_carries(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    frames, size = 5, 2
    queries = rng.standard_normal((frames, 3, 4, 6)).astype(np.float16)
    pictures = rng.integers(0, 256, (frames, 24, 32, 3), dtype=np.uint8)
    context = ContextModel(
        blocks=(7,), clusters=9, batches=Batches(size=size), position=0.5, colour=1.5, split=2, propagation=VOTES
    )

    job = coarse_job(tmp_path / "features.h5", queries, context)
    truth = rng.integers(0, 3, (24, 32), dtype=np.uint8)
    clip = ArrayClip("a", frames * [truth], pictures)
    with FeatureCache(tmp_path / "features.h5") as cache, h5py.File(tmp_path / "maps.h5", "w") as file:
        label_clip(job, clip, truth, cache, None, file, torch.device("cpu"))
        actual, clusters = np.asarray(file["maps"]), np.asarray(file["clusters"])

    tokens = split_cells(normalise_tokens(queries.astype(np.float32)), 2)
    spread, colours = spread_of(tokens[0]), cell_colours(pictures, (6, 8))
    described = append_colours(append_place(tokens, 0.5, spread), colours, colours[0], 1.5, spread)
    expected_clusters: Any = cluster(described[0].reshape(48, -1), 9, context.seed)
    assert np.array_equal(clusters, expected_clusters.labels_.reshape(6, 8))
    first = assign_labels(clusters, truth)
    assert actual.shape == (frames, 6, 8) and len(np.unique(first)) == 3
    assert np.array_equal(actual, literal(described, first, VOTES))
    # Each part counts.
    for other in (tokens, append_place(tokens, 0.5, spread)):
        assert not np.array_equal(actual, literal(other, first, VOTES))
