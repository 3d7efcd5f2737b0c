"""Methods without a diffusion model: what the rows of the table must beat."""

from __future__ import annotations

from collections.abc import Container, Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.datasets.base import Clip, LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import cut
from zeroshot_vss.method.context import Floats, assign_labels, carry_labels, cluster, name_clusters
from zeroshot_vss.method.propagation import propagate_labels
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.propagation import Propagation

Maps = NDArray[np.uint8]


def colour_and_position(frames: Maps, cell: int, weight: float) -> Floats:
    """[n, H, W, 3] frames to tokens [n, h, w, 5]: the mean colour of each cell in -1..1, and its place.

    Args:
        frames: uint8.
        cell: side of a cell in pixels.
        weight: of the place, whose rows and columns run from -1 to 1 before.
    """
    height, width = frames.shape[1] // cell, frames.shape[2] // cell
    small = np.stack([cv2.resize(f, (width, height), interpolation=cv2.INTER_AREA) for f in frames])
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    place = np.broadcast_to(weight * np.stack([y, x], -1), (*small.shape[:3], 2))
    return np.concatenate([small / np.float32(127.5) - 1, place], -1).astype(np.float32)


def colour_maps(
    clip: Clip, truth: LabelMap | None, settings: Baseline, wanted: Container[int]
) -> Iterator[tuple[int, LabelMap]]:
    """Label maps of a clip by K-Means on colour and position: number and [H, W] labels of each wanted frame.

    Args:
        clip: the clip.
        truth: annotation of its reference frame; clusters are the labels where None.
        settings: how.
        wanted: the frames whose maps are given; the others are clustered all the same.

    Raises:
        InputError: there are fewer cells than clusters.
    """
    height, width = clip.size
    if settings.clusters > (tokens := (height // settings.cell) * (width // settings.cell)):
        raise InputError(f"clip '{clip.name}': {settings.clusters} clusters for {tokens} cells; lower clusters")
    first = colour_and_position(clip.frames([0]), settings.cell, settings.position)[0]
    flat = first.reshape(-1, first.shape[-1])
    model = cluster(flat, settings.clusters, settings.seed, settings.initialisations)
    clusters = model.labels_.reshape(first.shape[:2])  # pyright: ignore[reportOptionalMemberAccess]
    labels = clusters if truth is None or clip.reference else assign_labels(clusters, truth)
    batches = cut(len(clip), settings.batches)

    def tokens_of(batch: list[int]) -> Floats:
        return colour_and_position(clip.frames(batch), settings.cell, settings.position)

    if settings.classifier == "knn":
        carried = carry_labels(
            map(tokens_of, batches), labels, LabelClassifier("knn", {}, settings.seed), lambda _, m: m
        )
    elif settings.classifier == "propagation":
        carried = propagate_labels(map(tokens_of, batches), labels, Propagation())
    else:
        of_cluster = np.zeros(settings.clusters, np.int64)
        of_cluster[clusters.reshape(-1)] = labels.reshape(-1)
        carried = (
            of_cluster[model.predict(t.reshape(-1, t.shape[-1]))].reshape(t.shape[:3])
            for t in map(tokens_of, batches)
        )
    if truth is not None and clip.reference:
        # Names are known once the reference frame is reached; until then the coarse maps are held.
        whole = name_clusters(np.concatenate([maps.astype(np.uint8) for maps in carried]), clip.reference, truth)
        carried = (whole[batch] for batch in batches)
    for batch, maps in zip(batches, carried, strict=True):
        for frame, small in zip(batch, maps.astype(np.uint8), strict=True):
            if frame in wanted:
                big = cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
                yield frame, big.astype(np.uint8)
