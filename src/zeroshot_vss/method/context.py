"""The scene context model (section 4.1): K-Means on frame 1, then a classifier that is refitted batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from zeroshot_vss.datasets.base import VOID

Floats = NDArray[np.float32]
Labels = NDArray[np.int64]
FEW_TOKENS = 2**14
"""Up to here K-Means runs in one thread. A frame of 480 x 854 has 1456 tokens."""


class Classifier(Protocol):
    """What the context model asks of a scikit-learn classifier."""

    def fit(self, X: Floats, y: Labels, /) -> Any: ...

    def predict(self, X: Floats, /) -> NDArray[Any]: ...


def normalise_tokens(features: Floats) -> Floats:
    """Each token (last axis) divided by its largest absolute channel; a token of zeros stays zero."""
    largest = np.abs(features).max(-1, keepdims=True)
    return features / np.where(largest > 0, largest, 1)  # pyright: ignore[reportReturnType]


def cluster(
    tokens: Floats, clusters: int, seed: int, initialisations: int = 10, start: Floats | None = None
) -> KMeans:
    """K-Means on tokens [n, channels], in one thread where they are few: more wait for each other on busy cores.

    `start` [clusters, channels] fixes the initial centres (one run). Initial centres are drawn from `seed`.
    """
    if start is not None:
        model = KMeans(clusters, init=start, n_init=1)  # pyright: ignore[reportArgumentType]
    else:
        model = KMeans(clusters, n_init=initialisations, random_state=seed)  # pyright: ignore[reportArgumentType]
    with threadpool_limits(1 if len(tokens) < FEW_TOKENS else None):
        return model.fit(tokens)


def choose_clusters(tokens: Floats, explained: float, most: int, seed: int) -> int:
    """Automatic K: the fewest clusters that leave no more than 1 - `explained` of the tokens' variance within them.

    Clips with more to tell apart get more clusters. K-Means explains more with every cluster, so the number is found
    by bisection, with one initialisation each.

    Args:
        tokens: [n, channels] that are to be clustered.
        explained: share of the squared distances to the tokens' mean, above 0 and below 1.
        most: the largest number that may be chosen.
        seed: of the initial centres.

    Returns:
        A number of clusters, 1..`most`; `most` where even these explain less.
    """
    total = float(np.square(tokens - tokens.mean(0)).sum())
    low, high = 1, most
    while low < high:
        middle = (low + high) // 2
        inside: Any = cluster(tokens, middle, seed, initialisations=1).inertia_
        if inside <= (1 - explained) * total:
            high = middle
        else:
            low = middle + 1
    return high


def principal_components(tokens: Floats, components: int, seed: int) -> Callable[[Floats], Floats]:
    """The projection on the principal components of tokens [n, channels], for arrays [..., channels]."""
    model = PCA(components, random_state=seed).fit(tokens)

    def project(features: Floats) -> Floats:
        flat = np.asarray(model.transform(features.reshape(-1, features.shape[-1])), np.float32)
        return flat.reshape(*features.shape[:-1], components)

    return project


def assign_labels(clusters: NDArray[np.integer], annotation: NDArray[np.uint8]) -> Labels:
    """Each cluster takes the majority label of the annotation; ties go to the smallest label.

    Args:
        clusters: [h, w] cluster of each cell of the first frame.
        annotation: [H, W] labels of the first frame; resized to the grid (the pixel nearest to each cell's centre).
            Void is an ordinary label.

    Returns:
        [h, w] labels.
    """
    height, width = clusters.shape
    small = np.asarray(cv2.resize(annotation, (width, height), interpolation=cv2.INTER_NEAREST_EXACT))
    labels = np.empty(clusters.shape, np.int64)
    for index in np.unique(clusters):
        inside = clusters == index
        values, counts = np.unique(small[inside], return_counts=True)
        labels[inside] = int(values[counts.argmax()])
    return labels


def name_clusters(maps: NDArray[np.integer], reference: int, annotation: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The clusters of a whole clip become labels, where the annotated frame is not the first.

    Each cluster takes the label that `assign_labels` gives it in the reference frame; one that does not occur there
    takes VOID.

    Args:
        maps: [n, h, w] cluster of each cell, 0..255.
        reference: the frame that is annotated.
        annotation: [H, W] its labels.

    Returns:
        [n, h, w] labels.
    """
    label_of = np.full(256, VOID, np.uint8)
    label_of[maps[reference]] = assign_labels(maps[reference], annotation)
    return label_of[maps]


def carry_labels(
    batches: Iterable[Floats],
    first_labels: NDArray[np.integer],
    classifier: Classifier,
    refine: Callable[[int, Labels], Labels],
    memory: bool = False,
) -> Iterator[Labels]:
    """The autoregressive loop: each batch is labelled by the classifier, refined, and becomes its training set.

    Args:
        batches: [n, h, w, channels] normalised tokens of each batch.
        first_labels: [h, w] labels of the first frame.
        classifier: fitted on the first frame, then refitted on each whole batch with its refined labels.
        refine: takes a batch's number and its [n, h, w] labels.
        memory: the first frame stays in every training set. Not the paper's.

    Yields:
        [n, h, w] refined labels of each batch.
    """
    first: tuple[Floats, Labels] | None = None
    training: tuple[Floats, Labels] | None = None
    for number, tokens in enumerate(batches):
        count, height, width, channels = tokens.shape
        flat = tokens.reshape(-1, channels)
        if training is None:
            first = training = flat[: height * width], first_labels.reshape(-1).astype(np.int64)
        classifier.fit(*training)
        labels = np.asarray(classifier.predict(flat), np.int64).reshape(count, height, width)
        refined = refine(number, labels)
        training = flat, refined.reshape(-1)
        if memory and first is not None:
            training = np.concatenate([first[0], training[0]]), np.concatenate([first[1], training[1]])
        yield refined
