"""The scene context model: clusters, their labels, classifiers and the autoregressive loop."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from zeroshot_vss.classifiers import CLASSIFIERS
from zeroshot_vss.classifiers.base import LabelClassifier, make_classifier
from zeroshot_vss.datasets.base import VOID
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.context import (
    Labels,
    assign_labels,
    carry_labels,
    choose_clusters,
    cluster,
    name_clusters,
    normalise_tokens,
    principal_components,
)

few = settings(max_examples=60, deadline=None)


def blobs(per_label: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Three well separated groups of tokens [3 * per_label, 5], labelled 101, 7 and 30."""
    rng = np.random.default_rng(seed)
    centres = np.array([[4, 0, 0, 1, 0], [0, 4, 0, 0, 1], [0, 0, 4, 1, 1]])
    tokens = np.repeat(centres, per_label, 0) + 0.3 * rng.standard_normal((3 * per_label, 5))
    return tokens.astype(np.float32), np.repeat([101, 7, 30], per_label)


# Tokens and clusters


def test_tokens_are_divided_by_their_largest_absolute_channel() -> None:
    features = np.array([[[1, -4, 2], [0, 0, 0]], [[3, 1, 0], [-2, -1, 0]]], np.float32)
    expected = [[[0.25, -1, 0.5], [0, 0, 0]], [[1, np.float32(1 / 3), 0], [-1, -0.5, 0]]]
    assert np.array_equal(normalise_tokens(features), np.array(expected, np.float32))
    assert normalise_tokens(features).dtype == np.float32


def test_clusters_find_separate_groups_and_depend_on_the_seed_alone() -> None:
    tokens, labels = blobs(20, seed=0)
    actual, again = (np.array(cluster(tokens, 3, seed=4).labels_) for _ in range(2))
    assert len({(int(a), int(b)) for a, b in zip(actual, labels, strict=True)}) == 3
    assert np.array_equal(actual, again)


def test_clusters_from_given_centres_keep_their_order() -> None:
    tokens, labels = blobs(20, seed=0)
    start = np.stack([tokens[labels == label].mean(0) for label in (7, 30, 101)])
    actual = cluster(tokens, 3, seed=0, start=start).labels_
    assert np.array_equal(np.array([7, 30, 101])[actual], labels)


# Labels of clusters


@few
@given(
    arrays.arrays(np.int64, (3, 4), elements=st.integers(0, 3)),
    arrays.arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 3, 9, 255])),
    st.integers(1, 4),
)
def test_clusters_take_the_majority_label_and_the_smallest_of_equals(
    clusters: NDArray[np.int64], small: NDArray[np.uint8], scale: int
) -> None:
    annotation = small.repeat(scale, 0).repeat(scale, 1)
    expected = np.empty((3, 4), np.int64)
    for index in range(4):
        votes = Counter(small[clusters == index].tolist())
        if votes:
            most = max(votes.values())
            expected[clusters == index] = min(label for label, count in votes.items() if count == most)
    assert np.array_equal(assign_labels(clusters, annotation), expected)


def test_the_annotation_is_read_at_the_centre_of_each_cell() -> None:
    annotation = np.zeros((6, 9), np.uint8)
    annotation[1::3, 1::3] = [[5, 6, 7], [8, 255, 2]]
    clusters = np.arange(6).reshape(2, 3)
    assert assign_labels(clusters, annotation).tolist() == [[5, 6, 7], [8, 255, 2]]


@few
@given(
    arrays.arrays(np.int64, (3, 3, 4), elements=st.sampled_from([0, 1, 2, 254])),
    arrays.arrays(np.uint8, (3, 4), elements=st.sampled_from([0, 3, 9, 255])),
    st.integers(0, 2),
)
def test_a_frame_in_the_middle_names_the_clusters_of_all(
    maps: NDArray[np.int64], annotation: NDArray[np.uint8], reference: int
) -> None:
    named = name_clusters(maps, reference, annotation)
    assert named.dtype == np.uint8
    for index in np.unique(maps):
        votes = Counter(annotation[maps[reference] == index].tolist())
        expected = min(votes, key=lambda label: (-votes[label], label)) if votes else VOID
        assert (named[maps == index] == expected).all()
    if reference == 0:
        assert np.array_equal(named[0], assign_labels(maps[0], annotation))


# Classifiers


@pytest.mark.parametrize("labels", [[9, 9, 3, 3], [3, 3, 9, 9], [9, 3, 9, 3]])
def test_neighbours_that_disagree_evenly_give_the_smallest_label(labels: list[int]) -> None:
    tokens = np.array([[-2], [-1], [1], [2], [50]], np.float32)
    knn = make_classifier("knn", {}, seed=0)
    knn.fit(tokens, np.array([*labels, 9]))
    assert knn.predict(np.array([[0.1]], np.float32)).tolist() == [3]


def test_the_four_nearest_neighbours_have_equal_votes() -> None:
    tokens = np.array([[0.1], [1], [1.1], [1.2], [1.3]], np.float32)
    knn = make_classifier("knn", {}, seed=0)
    knn.fit(tokens, np.array([1, 8, 8, 8, 1]))
    # The nearest token by far has label 1, but three of the four nearest have 8.
    assert knn.predict(np.array([[0]], np.float32)).tolist() == [8]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_learns_separate_groups(name: str) -> None:
    tokens, labels = blobs(30, seed=1)
    unseen, expected = blobs(10, seed=2)
    actual = LabelClassifier(name, {}, seed=3).fit(tokens, labels).predict(unseen)
    assert np.array_equal(actual, expected)
    again = LabelClassifier(name, {}, seed=3).fit(tokens, labels).predict(unseen)
    assert np.array_equal(actual, again)


def test_principal_components_draw_from_the_seed() -> None:
    """scikit-learn finds those of large arrays with random numbers."""
    tokens = np.random.default_rng(0).standard_normal((620, 560)).astype(np.float32)
    one, other = (principal_components(tokens, 5, seed)(tokens) for seed in (1, 2))
    assert np.allclose(one, PCA(5, random_state=1).fit(tokens).transform(tokens), atol=1e-4)
    assert not np.allclose(one, other, atol=0.1)


def test_random_classifiers_draw_from_the_seed() -> None:
    rng = np.random.default_rng(0)
    tokens, unseen = rng.standard_normal((2, 200, 5)).astype(np.float32)
    labels = rng.integers(0, 3, 200)
    first, second, again = (
        LabelClassifier("random-forest", {"n_estimators": 3}, seed).fit(tokens, labels).predict(unseen)
        for seed in (1, 2, 1)
    )
    assert np.array_equal(first, again) and (first != second).any()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_single_label_is_the_answer(name: str) -> None:
    tokens, labels = blobs(30, seed=1)
    classifier = LabelClassifier(name, {}, seed=0)
    classifier.fit(tokens[:3], np.zeros(3, np.int64))
    assert classifier.predict(tokens[:2]).tolist() == [0, 0]
    # The loop refits the same classifier: it must not stay with one label, nor with the others after it.
    classifier.fit(tokens, labels)
    assert set(classifier.predict(tokens)) == {7, 30, 101}
    classifier.fit(tokens, np.full(len(tokens), 30))
    assert set(classifier.predict(tokens)) == {30}


def test_with_fewer_tokens_than_neighbours_all_of_them_vote() -> None:
    tokens = np.array([[0], [10], [11]], np.float32)
    classifier = LabelClassifier("knn", {"n_neighbors": 8}, seed=0)
    classifier.fit(tokens, np.array([5, 2, 2]))
    assert classifier.predict(np.array([[0]], np.float32)).tolist() == [2]
    many, labels = blobs(20, seed=1)
    classifier.fit(many, labels)
    assert np.array_equal(classifier.predict(many), labels)


def test_options_reach_the_estimator() -> None:
    tokens = np.array([[0], [1], [1.1], [1.2]], np.float32)
    labels = np.array([4, 6, 6, 6])
    near = np.array([[0.1]], np.float32)
    assert LabelClassifier("knn", {}, 0).fit(tokens, labels).predict(near).tolist() == [6]
    assert LabelClassifier("knn", {"n_neighbors": 1}, 0).fit(tokens, labels).predict(near).tolist() == [4]
    assert LabelClassifier("knn", {"weights": "distance"}, 0).fit(tokens, labels).predict(near).tolist() == [4]


def test_unknown_classifiers_are_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="'forest'") as caught:
        make_classifier("forest", {}, seed=0)
    assert all(name in str(caught.value) for name in CLASSIFIERS)


def test_unknown_options_are_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"'knn'.*'k'.*n_neighbors"):
        make_classifier("knn", {"k": 4}, seed=0)


# The loop


class Toy:
    """Answers with the number of its training set, and notes what it was trained on whenever it is asked."""

    def __init__(self) -> None:
        self.fits = 0
        self.training: tuple[Any, Any] | None = None
        self.asked: list[tuple[Any, Any, Any]] = []

    def fit(self, X: NDArray[np.float32], y: Labels, /) -> Toy:
        self.fits += 1
        self.training = X.copy(), y.copy()
        return self

    def predict(self, X: NDArray[np.float32], /) -> Labels:
        assert self.training is not None
        self.asked.append((*self.training, X.copy()))
        return np.full(len(X), self.fits)


def test_each_batch_is_labelled_by_what_the_refined_batch_before_taught() -> None:
    rng = np.random.default_rng(0)
    batches = [rng.standard_normal((count, 2, 3, 4)).astype(np.float32) for count in (3, 3, 2)]
    first = np.array([[5, 5, 8], [8, 5, 8]])
    toy = Toy()
    handed: list[Labels] = []

    def refine(number: int, labels: Labels) -> Labels:
        assert number == len(handed)
        handed.append(labels.copy())
        return 100 * (number + 1) + np.arange(labels.size).reshape(labels.shape)

    results = list(carry_labels(batches, first, toy, refine))

    # Batch 0 knows the first frame only; later batches know all frames of the batch before, with refined labels.
    expected = [
        (batches[0][0], first),
        (batches[0], 100 + np.arange(18)),
        (batches[1], 200 + np.arange(18)),
    ]
    assert len(toy.asked) == 3
    for number, (asked, (tokens, labels)) in enumerate(zip(toy.asked, expected, strict=True)):
        assert np.array_equal(asked[0], tokens.reshape(-1, 4))
        assert np.array_equal(asked[1], labels.reshape(-1))
        # The first frame is labelled as well.
        assert np.array_equal(asked[2], batches[number].reshape(-1, 4))
        assert handed[number].shape == batches[number].shape[:3]
        assert (handed[number] == number + 1).all()
        assert np.array_equal(results[number].ravel(), 100 * (number + 1) + np.arange(results[number].size))


def test_the_first_frame_stays_in_memory() -> None:
    """A thing that is gone for a whole batch is known again by the first frame alone."""
    first = np.array([[3, 3, 9]])
    shown = np.array([[0.0], [0.1], [10.0]], np.float32)
    gone = np.zeros((2, 1, 3, 1), np.float32) + np.linspace(0, 0.2, 3, dtype=np.float32)[:, None]
    back = np.stack([shown, shown])[:, None]
    batches = [back, gone, back]

    def carried(memory: bool) -> Any:
        nearest = LabelClassifier("knn", {"n_neighbors": 1}, 0)
        return list(carry_labels(batches, first, nearest, lambda _, labels: labels, memory))

    assert np.array_equal(carried(True)[2], np.stack([first, first])) and (carried(True)[1] == 3).all()
    assert (carried(False)[2] == 3).all()


def test_labels_follow_groups_that_drift() -> None:
    """Two groups move along a line by more than their distance: only refitting keeps them apart."""
    rng = np.random.default_rng(0)
    truth = np.array([[3, 3, 3], [9, 9, 9]])
    batches = []
    for number in range(6):
        frames = [truth + 1.0 * (2 * number + f) + 0.1 * rng.standard_normal((2, 3)) for f in range(2)]
        batches.append(np.stack(frames)[..., None].astype(np.float32))
    nearest = LabelClassifier("knn", {"n_neighbors": 1}, 0)
    for labels in carry_labels(batches, truth, nearest, lambda _number, actual: actual):
        assert np.array_equal(labels, np.stack([truth, truth]))


@pytest.mark.parametrize("groups", [3, 7])
def test_automatic_number_of_clusters(groups: int) -> None:
    """Groups far apart: fewer clusters than groups join two of them, as many explain nearly all."""
    rng = np.random.default_rng(groups)
    centres = 100 * np.eye(groups, 8)
    tokens = (centres[np.repeat(np.arange(groups), 30)] + rng.standard_normal((30 * groups, 8))).astype(np.float32)
    assert choose_clusters(tokens, 0.98, 50, 0) == groups
    assert choose_clusters(tokens, 0.98, groups - 1, 0) == groups - 1
    # What K clusters explain, by its definition.
    chosen = choose_clusters(tokens, 0.5, 50, 0)
    assert 1 < chosen <= groups
    share = 1 - _inside(tokens, chosen) / np.square(tokens - tokens.mean(0)).sum()
    fewer = 1 - _inside(tokens, chosen - 1) / np.square(tokens - tokens.mean(0)).sum()
    assert fewer < 0.5 <= share


def _inside(tokens: NDArray[np.float32], count: int) -> float:
    """Squared distances to the nearest centre."""
    model: Any = cluster(tokens, count, 0, initialisations=1)
    return float(np.square(tokens - model.cluster_centers_[model.labels_]).sum())
