"""Feature stage: self-attention queries of every frame, cached in half precision."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.backbones.given_weights import take_weights
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.datasets import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import ClipKey, Manifest, add_array, add_maps, run_clips
from zeroshot_vss.jobs.features import FeaturesJob
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.machine.prefetch import ReadAhead, WriteBehind
from zeroshot_vss.machine.runtime import prepare, workers_for
from zeroshot_vss.method.batches import Row, feature_groups, rows_of_clip
from zeroshot_vss.method.latents import network_size, start_of
from zeroshot_vss.settings.features import Features


def run(job: FeaturesJob) -> None:
    """Write `<clip>.h5`: `rows` [R, 3] (frame, noise, batch) and `block<k>` [R, h, w, C] float16 for each block."""
    settings = job.settings
    device = prepare(job.compute, network=True)
    dataset = job.open()
    model = find_model(job.backbone)
    frames, adapted = Manifest.load(job.frames), Manifest.load(job.adapted) if job.adapted else None
    backbone = cache(lambda: load_model(model, device))

    def key(name: str) -> ClipKey:
        return job.clip_key(dataset.clip(name), settings=settings.model_dump(mode="json"), weights=model.digest,
                            device=device.type, **job.backbone.rounding(device.type))  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        if adapted is not None:
            take_weights(backbone(), adapted.verified(name))
        cache_queries(settings, job.compute.frames_at_once, dataset.clip(name), backbone(), file)

    workers = workers_for(job.compute, device, len(job.clips))
    run_clips("features", job.manifest, job.clips, key, work, [frames, *([adapted] if adapted else [])], workers)


def cache_queries(settings: Features, frames_at_once: int, clip: Clip, backbone: Backbone, file: h5py.File) -> None:
    """Write a clip's `rows` and `block<k>` into an open file, see :func:`run`."""
    backbone.check(settings.sampling, settings.blocks)
    rows = rows_of_clip(len(clip), settings.sampling)
    size = network_size(clip, backbone, settings.sampling)
    grids = {backbone.grid(*size, block) for block in settings.blocks}
    if len(grids) > 1:
        raise ValueError(f"blocks {settings.blocks} have grids {sorted(grids)}; features.blocks must share one")
    (grid,) = grids
    wanted = [(block, settings.step) for block in settings.blocks]
    written: dict[int, Any] = {}
    first, batches = 0, AdaptiveBatches()

    def computed(group: list[Row], part: slice) -> list[NDArray[np.float16]]:
        start = start_of(backbone, ahead, group[part], settings.sampling)
        plain = backbone.denoise(start, settings.sampling, wanted, last=settings.step)
        per_block = [plain.queries[asked].unflatten(1, grid).to("cpu", torch.float16) for asked in wanted]
        for block, queries in zip(settings.blocks, per_block, strict=True):
            check_range(queries, block, plain.origins)
        return [queries.numpy() for queries in per_block]

    groups = feature_groups(len(clip), settings.sampling, frames_at_once)
    with ReadAhead(clip, [[row.frame for row in some] for some in groups]) as ahead, WriteBehind() as write:
        for some in progress(groups, len, f"features of {clip.name}"):
            each = partial(computed, some)
            parts = [each(slice(None))] if backbone.coupled else batches.parts(len(some), each)
            per_block = {
                block: np.concatenate(pieces) for block, *pieces in zip(settings.blocks, *parts, strict=True)
            }
            if not written:
                # All before the first write, so that the file is the same byte for byte each time.
                written = {
                    k: add_maps(file, f"block{k}", len(rows), q.shape[1:], np.float16) for k, q in per_block.items()
                }
            for block, queries in per_block.items():
                write(written[block].__setitem__, slice(first, first + len(some)), queries)
            first += len(some)
    add_array(file, "rows", np.array(rows, np.int32))


def check_range(queries: torch.Tensor, block: int, origins: Sequence[str]) -> None:
    """Refuse queries [n, ...] of a block that half precision cannot hold, in which they are cached.

    Raises:
        InputError: naming the first frame among `origins` [n].
    """
    within = queries.isfinite().flatten(1).all(1).tolist()
    if not all(within):
        raise InputError(
            f"{origins[within.index(False)]}: queries of block {block} are above 65504, the most that the feature "
            "cache holds (float16); leave the block out of features.blocks"
        )
