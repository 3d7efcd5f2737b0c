"""Coarse stage: K-Means, the context model and CBR, batch by batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import h5py
import numpy as np
import torch

from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.datasets import Clip, LabelMap
from zeroshot_vss.datasets.annotation import annotation
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import ClipKey, Manifest, add_array, add_maps, console, key_of, open_clip, run_clips
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.machine.runtime import prepare
from zeroshot_vss.method.batches import cut, rows_of_batch
from zeroshot_vss.method.context import (
    Floats,
    Labels,
    assign_labels,
    carry_labels,
    choose_clusters,
    cluster,
    name_clusters,
    principal_components,
)
from zeroshot_vss.method.correspondence import vote_along_matches, vote_along_tracks, vote_on_direct_matches
from zeroshot_vss.method.propagation import propagate_labels
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.stages.described import DescribedTokens


def run(job: CoarseJob) -> None:
    """Write `<clip>.h5` with `maps` [n, h, w] uint8 (refined labels) and `clusters` [h, w] of the first frame."""
    device = prepare(job.compute)
    dataset = job.open()
    cached = Manifest.load(job.cached)
    matched = Manifest.load(job.matches) if job.matches else None

    def key(name: str) -> ClipKey:
        return job.clip_key(dataset.clip(name), weights=key_of(cached.file(name)).get("weights"),
                            settings=job.settings.model_dump(mode="json"), assigned=job.assigned,
                            device=device.type)  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        truth = annotation(dataset, clip) if job.assigned else None
        with FeatureCache(cached.verified(name)) as cache:
            if matched is None:
                label_clip(job, clip, truth, cache, None, file, device)
            else:
                with open_clip(matched.verified(name)) as correspondences:
                    label_clip(job, clip, truth, cache, correspondences, file, device)

    inputs = [Manifest.load(job.masks), cached, *([matched] if matched else [])]
    run_clips("coarse maps", job.manifest, job.clips, key, work, inputs)


def label_clip(
    job: CoarseJob,
    clip: Clip,
    truth: LabelMap | None,
    cache: FeatureCache,
    correspondences: Any,
    file: h5py.File,
    device: torch.device,
) -> None:
    """Write a clip's `maps` and `clusters` into an open file, see :func:`run`.

    Args:
        job: the settings.
        clip: for its name and reference frame.
        truth: annotation of that frame; None leaves clusters.
        cache: the clip's features.
        correspondences: the open file of its correspondences; None without CBR.
        file: the result.
        device: where the classifier searches neighbours; it changes no label.
    """
    settings = job.settings
    batches = cut(cache.frames, settings.batches)
    rows = [rows_of_batch(batch, job.features.sampling, number) for number, batch in enumerate(batches)]
    tokens = DescribedTokens(clip, cache, rows, settings)
    if settings.clusters > tokens.cells:
        raise InputError(
            f"clip '{clip.name}': {settings.clusters} clusters for {tokens.cells} tokens "
            f"({tokens.grid[0]} x {tokens.grid[1]}); lower context.clusters"
        )
    first = tokens(0)
    fitted_on = first if settings.fit == "first-batch" else first[:1]
    flat = fitted_on.reshape(-1, first.shape[-1])
    count = settings.clusters
    if settings.explained is not None:
        count = choose_clusters(flat, settings.explained, count, settings.seed)
        console.print(f"clip '{clip.name}': {count} clusters explain {settings.explained:.0%} of the variance")
    model = cluster(flat, count, settings.seed, settings.initialisations)
    clusters = model.labels_[: tokens.cells].reshape(tokens.grid)  # pyright: ignore[reportOptionalSubscript]
    labels = clusters if truth is None or clip.reference else assign_labels(clusters, truth)

    def refine(number: int, maps: Labels) -> Labels:
        if correspondences is None:
            return maps
        if job.refinement is not None and job.refinement.variant == "released":
            return vote_along_tracks(maps, correspondences[f"tracks{number}"][()])
        if job.refinement is not None and job.refinement.variant == "direct":
            return vote_on_direct_matches(maps, correspondences[f"direct{number}"][()])
        batch = batches[number]
        return vote_along_matches(maps, correspondences["matches"][batch[0] : batch[-1]])

    if settings.propagation is not None:
        carried = propagate_labels(map(tokens, range(len(batches))), labels, settings.propagation, device)
    else:
        seen = _reduced(job, clip, fitted_on)
        classifier = LabelClassifier(settings.classifier, settings.classifier_options, settings.seed, device)
        shown = (seen(tokens(number)) for number in range(len(batches)))
        carried = carry_labels(shown, labels, classifier, refine, settings.memory is not None)
    maps = add_maps(file, "maps", cache.frames, tokens.grid, np.uint8)
    shown_batches = progress(range(len(batches)), lambda number: len(batches[number]), f"coarse maps of {clip.name}")
    for number, refined in zip(shown_batches, carried, strict=True):
        maps[batches[number][0] : batches[number][-1] + 1] = refined
    if truth is not None and clip.reference:
        maps[:] = name_clusters(np.asarray(maps[()]), clip.reference, truth)
    add_array(file, "clusters", clusters.astype(np.uint8))


def _reduced(job: CoarseJob, clip: Clip, tokens: Floats) -> Callable[[Floats], Floats]:
    """What the classifier sees of tokens [n, h, w, channels]: all of them, or their principal components."""
    components, flat = job.settings.components, tokens.reshape(-1, tokens.shape[-1])
    if components is None:
        return lambda features: features
    if components > min(flat.shape):
        raise InputError(
            f"clip '{clip.name}': {components} components of {flat.shape[0]} tokens with {flat.shape[1]} channels; "
            "lower context.components"
        )
    return principal_components(flat, components, job.settings.seed)
