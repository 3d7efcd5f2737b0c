"""Segmenter stage: label maps by a supervised network, frame by frame."""

from __future__ import annotations

from functools import cache

import h5py
import numpy as np

from zeroshot_vss.datasets import VOID
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import ClipKey, Manifest, add_maps, run_clips
from zeroshot_vss.jobs.segmenter import SegmenterJob
from zeroshot_vss.machine.runtime import prepare
from zeroshot_vss.segmenters.folder import weights_of
from zeroshot_vss.segmenters.mask2former import FrameSegmenter


def run(job: SegmenterJob) -> None:
    """Write `<clip>.h5` with `maps` [n, H, W] uint8, as the upsampling stage does.

    Raises:
        InputError: the data set has no classes, or the network does not fit them.
    """
    device = prepare(job.compute, network=True)
    dataset = job.open()
    legend = dataset.legend
    if legend is None:
        raise InputError(f"method '{job.method}': data set '{job.dataset.name}' has no classes to be named")
    load = cache(lambda: FrameSegmenter(weights_of(job.method, job.settings), job.settings, legend, device))

    def key(name: str) -> ClipKey:
        settings = job.settings.model_dump(mode="json", include={"names", "size"})
        return job.clip_key(dataset.clip(name), settings=settings, weights=job.weights, device=device.type)

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        maps = add_maps(file, "maps", len(clip), clip.size, np.uint8, fill=VOID)
        for frame in progress(clip.mapped(), lambda _: 1, f"label maps of {name}"):
            maps[frame] = load().maps(clip.frames([frame]))[0]

    run_clips("segmenter", job.manifest, job.clips, key, work, [Manifest.load(job.frames)])
