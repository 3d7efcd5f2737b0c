"""Upsampling stage: full-resolution label maps from refined coarse maps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import h5py
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.datasets import VOID
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import ClipKey, Manifest, add_maps, open_clip, run_clips
from zeroshot_vss.jobs.upsample import UpsampleJob
from zeroshot_vss.machine.prefetch import ReadAhead, WriteBehind
from zeroshot_vss.machine.runtime import budget, prepare, workers_for
from zeroshot_vss.method.batches import map_groups
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.upsamplers.base import Resources, make_upsampler, no_tokens
from zeroshot_vss.upsamplers.hub import hub_digest


def run(job: UpsampleJob) -> None:
    """Write `<clip>.h5` with `maps` [n, H, W] uint8: class ids or clusters.

    VOID stands where the method cannot label, and in frames whose maps nobody asks for (`Clip.mapped`).
    """
    spec = job.backbone
    learned = job.settings.learned
    device = prepare(job.compute, network=spec is not None or learned is not None)
    dataset = job.open()
    frames, refined = Manifest.load(job.frames), Manifest.load(job.coarse)
    adapted = Manifest.load(job.adapted) if job.adapted else None
    cached = Manifest.load(job.cached) if job.cached else None

    model = None if spec is None else find_model(spec)

    @cache
    def backbone() -> Backbone:
        if model is None:
            raise TypeError(
                f"upsampler '{job.settings.upsampler}' has no settings of a modulation, so it has no model"
            )
        from zeroshot_vss.backbones.loading import load_model

        return load_model(model, device)

    def tokens(name: str, some: Sequence[int]) -> NDArray[np.float32]:
        if cached is None or job.blocks is None:
            return no_tokens(name, some)
        with FeatureCache(cached.verified(name)) as cache_of_clip:
            rows = cache_of_clip.last_rows()
            return cache_of_clip.aggregated(job.blocks, [rows[frame] for frame in some])

    resources = Resources(backbone, lambda: budget(job.compute, device), tokens, str(device))
    upsampler = cache(lambda: make_upsampler(job.settings, resources))

    def key(name: str) -> ClipKey:
        digest = None if model is None else model.digest
        rounding = {} if spec is None else spec.rounding(device.type)
        settings = job.settings.model_dump(mode="json", exclude={"learned"} if learned else None)
        hub = {"learned": hub_digest(learned), "blocks": job.blocks} if learned else {}
        return job.clip_key(dataset.clip(name), settings=settings, weights=digest, device=device.type, **hub,
                            **rounding)  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        if adapted is not None:
            from zeroshot_vss.backbones.given_weights import take_weights

            take_weights(backbone(), adapted.verified(name))
        maps = add_maps(file, "maps", len(clip), clip.size, np.uint8, fill=VOID)
        with open_clip(refined.verified(name)) as coarse_file:
            coarse = coarse_file.expect("maps", np.uint8, (len(clip), None, None))
            groups = map_groups(len(clip), clip.mapped(), job.settings.sampling, job.compute.frames_at_once)
            # Other upsamplers read no frame.
            read = [[row.frame for row in group.rows] for group in groups if job.settings.looks_at_frames]
            with ReadAhead(clip, read) as ahead, WriteBehind() as write:
                for group in progress(groups, lambda group: len(group.kept), f"label maps of {name}"):
                    some = np.stack([coarse[row.frame] for row in group.rows])
                    made = upsampler().upsample(ahead, group.rows, some)
                    for place in group.kept:
                        write(maps.__setitem__, group.rows[place].frame, made[place])

    workers = workers_for(job.compute, device, len(job.clips))
    inputs = [frames, refined, *(manifest for manifest in (adapted, cached) if manifest)]
    run_clips("label maps", job.manifest, job.clips, key, work, inputs, workers)
