"""Baseline stage: label maps by methods without a diffusion model."""

from __future__ import annotations

import h5py
import numpy as np

from zeroshot_vss.datasets import VOID
from zeroshot_vss.datasets.annotation import annotation
from zeroshot_vss.io.store import ClipKey, Manifest, add_maps, run_clips
from zeroshot_vss.jobs.baseline import BaselineJob
from zeroshot_vss.method.baselines import colour_maps


def run(job: BaselineJob) -> None:
    """Write `<clip>.h5` with `maps` [n, H, W] uint8, as the upsampling stage does (VOID in unwanted frames)."""
    dataset = job.open()

    def key(name: str) -> ClipKey:
        return job.clip_key(dataset.clip(name), settings=job.settings.model_dump(mode="json"))

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        truth = annotation(dataset, clip)
        maps = add_maps(file, "maps", len(clip), clip.size, np.uint8, fill=VOID)
        if job.settings.kind == "first-frame":
            for frame in clip.mapped():
                maps[frame] = np.zeros(clip.size, np.uint8) if truth is None else truth
            return
        for frame, labels in colour_maps(clip, truth, job.settings, set(clip.mapped())):
            maps[frame] = labels

    run_clips("baseline", job.manifest, job.clips, key, work, [Manifest.load(job.frames), Manifest.load(job.masks)])
