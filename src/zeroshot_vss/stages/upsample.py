"""Upsampling stage: full-resolution label maps from refined coarse maps."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import h5py
import numpy as np

from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.datasets import VOID
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import Key, Manifest, add_maps, open_clip, run_clips
from zeroshot_vss.jobs.upsample import UpsampleJob
from zeroshot_vss.machine.prefetch import ReadAhead, WriteBehind
from zeroshot_vss.machine.runtime import budget, prepare, workers_for
from zeroshot_vss.method.batches import map_groups
from zeroshot_vss.method.upsamplers import make_upsampler
from zeroshot_vss.workflow.provenance import code_digest


def run(job: UpsampleJob, manifest: Path, checked: Path, coarse: Path) -> None:
    """Write `<clip>.h5` with `maps` [n, H, W] uint8: class ids or clusters.

    VOID stands where the method cannot label, and in frames whose maps nobody asks for (`Clip.mapped`).
    """
    device = prepare(job.compute, network=job.settings.modulation is not None)
    dataset = job.dataset.open()
    refined = Manifest.load(coarse)
    model = cache(lambda: find_model(job.backbone))
    weights = model().digest if job.settings.modulation else None
    backbone = cache(lambda: load_model(model(), device))
    upsampler = cache(lambda: make_upsampler(job.settings, backbone, lambda: budget(job.compute, device)))

    def key(name: str) -> Key:
        return {"stage": "upsample", "code": code_digest(__name__), "clip": job.identity(dataset.clip(name)),
                "settings": job.settings.model_dump(mode="json"), "weights": weights,
                "device": device.type, **job.backbone.rounding(device.type)}  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        maps = add_maps(file, "maps", len(clip), clip.size, np.uint8, fill=VOID)
        with open_clip(refined.file(name)) as found:
            groups = map_groups(len(clip), clip.mapped(), job.settings.sampling, job.compute.frames_at_once)
            # Upsamplers without a model read no frame.
            read = [[row.frame for row in group.rows] for group in groups] if job.settings.sampling else []
            with ReadAhead(clip, read) as ahead, WriteBehind() as write:
                for group in progress(groups, lambda group: len(group.kept), f"label maps of {name}"):
                    some = np.stack([found["maps"][row.frame] for row in group.rows])
                    made = upsampler().upsample(ahead, group.rows, some)
                    for place in group.kept:
                        write(maps.__setitem__, group.rows[place].frame, made[place])

    workers = workers_for(job.compute, device, len(job.clips))
    run_clips("label maps", manifest, job.clips, key, work, [Manifest.load(checked), refined], workers)
