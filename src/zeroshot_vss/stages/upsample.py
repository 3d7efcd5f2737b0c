"""Upsampling stage: full-resolution label maps from refined coarse maps."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import h5py
import numpy as np

from zeroshot_vss.backbones.folder import weights_digest
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.progress import chunks
from zeroshot_vss.provenance import code_digest
from zeroshot_vss.runtime import prepare, workers_for
from zeroshot_vss.stages.job import UpsampleJob
from zeroshot_vss.store import Key, Manifest, add_maps, open_clip, run_clips
from zeroshot_vss.upsamplers import make_upsampler


def run(job: UpsampleJob, manifest: Path, checked: Path, coarse: Path) -> None:
    """Write `<clip>.h5` with `maps` [n, H, W] uint8: class ids or clusters, VOID where the method cannot label."""
    device = prepare(job.compute)
    dataset = job.dataset.open()
    refined = Manifest.load(coarse)
    weights = weights_digest(job.backbone) if job.settings.modulation else None
    backbone = cache(lambda: load_backbone(job.backbone, device))
    upsampler = cache(lambda: make_upsampler(job.settings, backbone, job.compute.memory))

    def key(name: str) -> Key:
        return {"stage": "upsample", "code": code_digest(__name__), "clip": job.identity(dataset.clip(name)),
                "settings": job.settings.model_dump(mode="json"), "weights": weights,
                "device": device.type, "half": job.backbone.half}  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        maps = add_maps(file, "maps", len(clip), clip.size, np.uint8)
        with open_clip(refined.file(name)) as found:
            for first, frames in chunks(range(len(clip)), job.compute.frames_at_once, f"label maps of {name}"):
                some = np.asarray(found["maps"][first : first + len(frames)])  # pyright: ignore
                maps[first : first + len(frames)] = upsampler().upsample(clip, list(frames), some)

    workers = workers_for(job.compute, device, len(job.clips))
    run_clips("label maps", manifest, job.clips, key, work, [Manifest.load(checked), refined], workers)
