"""Nearest neighbours by matrix products against scikit-learn's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from zeroshot_vss import neighbours
from zeroshot_vss.classifiers import Guarded
from zeroshot_vss.neighbours import Neighbours

few = settings(max_examples=150, deadline=None)


def plain(count: int) -> KNeighborsClassifier:
    return KNeighborsClassifier(n_neighbors=count)


class Silent(KNeighborsClassifier):
    """An estimator that must not be asked."""

    def predict(self, X: Any) -> Any:
        raise AssertionError(f"{len(X)} queries were left to scikit-learn")


@st.composite
def problems(draw: st.DrawFn) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32], int]:
    """Fitted tokens, labels, queries and k. Whole numbers have many exact ties; some tokens occur twice."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    channels, count, asked = draw(st.integers(1, 40)), draw(st.integers(2, 60)), draw(st.integers(1, 30))
    whole = draw(st.booleans())
    scale = 1.0 if whole else 10.0 ** draw(st.integers(-20, 15))

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
def test_labels_are_those_of_scikit_learn(problem: Any) -> None:
    fitted, labels, queries, count = problem
    found = Neighbours(plain(count), "cpu").fit(fitted, labels).predict(queries)
    expected = plain(count).fit(fitted, labels).predict(queries)
    assert found.dtype == expected.dtype and np.array_equal(found, expected)


def smooth_tokens(count: int, channels: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Tokens along curves of a few groups that overlap, largest channel 1, and their groups."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 7, count)
    centres = np.random.default_rng(0).standard_normal((7, channels))
    tokens = centres[groups] + 1.5 * rng.standard_normal((count, channels))
    return (tokens / np.abs(tokens).max(1, keepdims=True)).astype(np.float32), groups


def test_without_ties_nothing_is_left_to_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "SCORES_AT_ONCE", 7 * 600)  # blocks of seven queries
    fitted, labels = smooth_tokens(600, 64, seed=1)
    queries, _ = smooth_tokens(200, 64, seed=2)
    found = Neighbours(Silent(n_neighbors=4)).fit(fitted, labels).predict(queries)
    assert np.array_equal(found, plain(4).fit(fitted, labels).predict(queries))
    assert len(set(found.tolist())) > 3


def test_what_single_precision_cannot_tell_is_decided_in_double_precision() -> None:
    """Far from the origin the tokens differ by less than the rounding of the products, but are no ties."""
    rng = np.random.default_rng(3)
    fitted = (1000 + 0.01 * rng.standard_normal((40, 32))).astype(np.float32)
    queries = (1000 + 0.01 * rng.standard_normal((50, 32))).astype(np.float32)
    labels = rng.integers(0, 5, 40)
    scores = (fitted**2).sum(1) - 2 * queries @ fitted.T
    nearest = labels[np.argsort(scores, 1)[:, 0]]
    expected = plain(1).fit(fitted, labels).predict(queries)
    assert (nearest != expected).any(), "single precision would do: the test is too easy"
    classifier = Neighbours(plain(1)).fit(fitted, labels)
    assert np.array_equal(classifier.predict(queries), expected)
    many = Neighbours(plain(10)).fit(fitted, labels)  # 4 x 10 candidates: all tokens
    assert np.array_equal(many.predict(queries), plain(10).fit(fitted, labels).predict(queries))
    assert many.left < len(queries)


def test_ties_are_left_to_scikit_learn() -> None:
    fitted = np.zeros((6, 20), np.float32)
    fitted[[0, 1], 0] = 1, -1
    fitted[2:, 0] = 5
    classifier = Neighbours(plain(1)).fit(fitted, np.array([8, 3, 1, 1, 1, 1]))
    found = classifier.predict(np.zeros((3, 20), np.float32))
    assert classifier.left == 3
    assert np.array_equal(found, classifier.estimator.predict(np.zeros((3, 20), np.float32)))


def test_queries_that_are_not_finite_are_refused() -> None:
    fitted, labels = smooth_tokens(30, 20, seed=1)
    with pytest.raises(ValueError, match="NaN"):
        Neighbours(plain(4)).fit(fitted, labels).predict(np.full((2, 20), np.nan, np.float32))


def test_reduced_precision_of_products_is_set_aside_and_put_back() -> None:
    fitted, labels = smooth_tokens(30, 20, seed=1)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with neighbours._exact_products():
            assert torch.get_float32_matmul_precision() == "highest"
        Neighbours(plain(4)).fit(fitted, labels).predict(fitted)
        assert torch.get_float32_matmul_precision() == "medium"
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
    classifier = Guarded("knn", options, 0).fit(fitted.astype(dtype), labels)
    assert isinstance(classifier.estimator, Neighbours) == used
    expected = KNeighborsClassifier(**({"n_neighbors": 4} | options)).fit(fitted.astype(dtype), labels)
    assert np.array_equal(classifier.predict(fitted.astype(dtype)), expected.predict(fitted.astype(dtype)))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_labels() -> None:
    fitted, labels = smooth_tokens(3000, 640, seed=5)
    queries, _ = smooth_tokens(2000, 640, seed=6)
    found = Guarded("knn", {}, 0, "cuda").fit(fitted, labels).predict(queries)
    assert np.array_equal(found, KNeighborsClassifier(4).fit(fitted, labels).predict(queries))
