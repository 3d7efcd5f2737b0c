"""Nearest neighbours by matrix products against scikit-learn's, and against sorting."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.method import neighbours
from zeroshot_vss.method.neighbours import Neighbours

few = settings(max_examples=200, deadline=None)


def plain(fitted: Any, labels: Any, queries: Any, count: int) -> NDArray[Any]:
    return KNeighborsClassifier(n_neighbors=count).fit(fitted, labels).predict(queries)


def squared_distances(queries: NDArray[np.float32], fitted: NDArray[np.float32]) -> NDArray[np.float64]:
    return ((queries[:, None].astype(np.float64) - fitted) ** 2).sum(-1)


def sorted_vote(distances: NDArray[np.float64], labels: NDArray[np.int64], count: int) -> list[int]:
    """Votes of the nearest, the first of equally distant ones; the smallest of equally voted labels."""
    votes = [Counter(labels[np.argsort(row, kind="stable")[:count]].tolist()) for row in distances]
    return [min(vote, key=lambda label: (-vote[label], label)) for vote in votes]


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int]:
    """Fitted tokens, labels, queries and k. Whole numbers have many exact ties; some tokens occur twice."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels, count, asked = draw(st.integers(1, 40)), draw(st.integers(2, 60)), draw(st.integers(1, 30))
    whole = draw(st.booleans())
    scale = 1.0 if whole else 10.0 ** draw(st.integers(-25, 15))

    def tokens(number: int) -> NDArray[np.float32]:
        drawn = rng.integers(-2, 3, (number, channels)) if whole else rng.standard_normal((number, channels))
        return (scale * drawn).astype(np.float32)

    fitted = tokens(count)
    fitted = np.concatenate([fitted, fitted[rng.random(count) < 0.3]])
    queries = np.concatenate([tokens(asked), fitted[: draw(st.integers(0, 5))]])
    labels = rng.choice([0, 3, 9, 255], len(fitted))
    return fitted, labels, queries, draw(st.integers(1, min(6, len(fitted))))


@few
@given(problems())
def test_labels_are_those_of_sorted_distances_and_of_scikit_learn(problem: Any) -> None:
    fitted, labels, queries, count = problem
    actual = Neighbours(count).fit(fitted, labels).predict(queries)
    distances = squared_distances(queries, fitted)
    assert actual.tolist() == sorted_vote(distances, labels, count)
    # Among tokens of the same distance scikit-learn's choice depends on what else is asked.
    near = np.sort(distances, 1)[:, : count + 1]
    last = near[:, count - 1]
    clear = near[:, -1] - last > 1e-9 * near.max() if count < len(fitted) else np.full(len(queries), True)
    expected = plain(fitted, labels, queries, count)
    assert actual.dtype == expected.dtype and np.array_equal(actual[clear], expected[clear])


def smooth_tokens(count: int, channels: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Tokens of a few groups that overlap, largest channel 1, and their groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 7, count)
    centres = np.random.default_rng(0).standard_normal((7, channels))
    tokens = centres[groups] + 1.5 * rng.standard_normal((count, channels))
    return (tokens / np.abs(tokens).max(1, keepdims=True)).astype(np.float32), groups


def test_single_precision_finds_the_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "SCORES_AT_ONCE", 7 * 600)  # blocks of seven queries
    fitted, labels = smooth_tokens(600, 64, seed=1)
    queries, _ = smooth_tokens(200, 64, seed=2)
    classifier = Neighbours(4).fit(fitted, labels)
    actual = classifier.predict(queries)
    assert np.array_equal(actual, plain(fitted, labels, queries, 4)) and len(set(actual.tolist())) > 3
    assert 0 < classifier.in_double < len(queries) and classifier.in_full == 0


@pytest.mark.parametrize("count", [1, 4, 10])
def test_what_single_precision_cannot_tell_is_decided_in_double_precision(count: int) -> None:
    """Far from the origin the tokens differ by less than the rounding of the products, but are no ties."""
    rng = np.random.default_rng(3)
    fitted = (1000 + 0.01 * rng.standard_normal((40, 32))).astype(np.float32)
    queries = (1000 + 0.01 * rng.standard_normal((50, 32))).astype(np.float32)
    labels = rng.integers(0, 5, 40)
    scores = (fitted**2).sum(1) - 2 * queries @ fitted.T
    expected = plain(fitted, labels, queries, count)
    rounded = sorted_vote(scores.astype(np.float64), labels, count)
    assert rounded != expected.tolist(), "single precision would do: the test is too easy"
    classifier = Neighbours(count).fit(fitted, labels)
    assert np.array_equal(classifier.predict(queries), expected) and classifier.in_full == len(queries)


def test_of_equally_distant_tokens_the_first_are_taken() -> None:
    fitted = np.zeros((40, 20), np.float32)
    fitted[:, 0] = [1, -1] * 20
    labels = np.array([8, 8, 3, 3, 1] + [0] * 35)
    actual = Neighbours(4).fit(fitted, labels).predict(np.zeros((2, 20), np.float32))
    assert actual.tolist() == [3, 3]
    assert Neighbours(1).fit(fitted, labels).predict(fitted[3:4]).tolist() == [8]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_tokens_that_are_not_finite_are_refused(wrong: float) -> None:
    fitted, labels = smooth_tokens(30, 20, seed=1)
    classifier = Neighbours(4).fit(fitted, labels)
    fitted[3, 2] = wrong
    with pytest.raises(ValueError, match="NaN or infinity"):
        classifier.predict(fitted)
    with pytest.raises(ValueError, match="NaN or infinity"):
        classifier.fit(fitted, labels)


def test_reduced_precision_of_products_is_set_aside_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted, labels = smooth_tokens(30, 20, seed=1)
    during: list[str] = []
    real = torch.addmm

    def seen(*args: Any, **kwargs: Any) -> torch.Tensor:
        during.append(torch.get_float32_matmul_precision())
        return real(*args, **kwargs)

    monkeypatch.setattr(torch, "addmm", seen)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        Neighbours(4).fit(fitted, labels).predict(fitted)
        assert during == ["highest"] and torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize(
    ("channels", "dtype", "options", "used"),
    [
        (20, np.float32, {}, True),
        (20, np.float32, {"n_neighbors": 7, "n_jobs": 2}, True),
        (20, np.float32, {"weights": "distance"}, False),
        (20, np.float32, {"metric": "cosine"}, False),
        (20, np.float64, {}, False),
        (5, np.float32, {}, False),
    ],
)
def test_only_plain_neighbours_in_many_channels_are_searched_this_way(
    channels: int, dtype: Any, options: dict[str, Any], used: bool
) -> None:
    fitted, labels = smooth_tokens(60, channels, seed=4)
    classifier = LabelClassifier("knn", options, 0).fit(fitted.astype(dtype), labels)
    assert isinstance(classifier.estimator._searched, Neighbours) == used
    settings: Any = {"n_neighbors": 4} | options
    expected = KNeighborsClassifier(**settings).fit(fitted.astype(dtype), labels)
    assert np.array_equal(classifier.predict(fitted.astype(dtype)), expected.predict(fitted.astype(dtype)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_labels() -> None:
    fitted, labels = smooth_tokens(3000, 640, seed=5)
    queries, _ = smooth_tokens(2000, 640, seed=6)
    actual = LabelClassifier("knn", {}, 0, "cuda").fit(fitted, labels).predict(queries)
    assert np.array_equal(actual, plain(fitted, labels, queries, 4))
