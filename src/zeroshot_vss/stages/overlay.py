"""Overlay stage: a user's clip with its clusters on it, as a video and as palette PNGs."""

from __future__ import annotations

import shutil
from pathlib import Path

from zeroshot_vss.io.images import write_mask_png
from zeroshot_vss.io.palette import cluster_colours, overlay
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import Manifest, open_clip
from zeroshot_vss.io.video import VideoClip, VideoWriter
from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.method.batches import cut
from zeroshot_vss.settings.batches import Batches


def run(job: OverlayJob) -> None:
    """Write the overlay video (MP4) and a folder of palette PNGs whose values are the clusters."""
    dataset, (name,) = job.open(), job.clips
    video, labels = Path(job.video), Path(job.labels)
    clip = dataset.clip(name)
    fps = job.fps or (clip.fps if isinstance(clip, VideoClip) else 15)
    colours = cluster_colours(256)
    partial = labels.with_name(f".{labels.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with open_clip(Manifest.load(job.maps).verified(name)) as file, VideoWriter(video, fps) as writer:
        for frames in progress(cut(len(clip), Batches(size=job.compute.frames_at_once)), len, f"overlay of {name}"):
            maps = file["maps"][frames[0] : frames[-1] + 1]
            writer.write(overlay(clip.frames(frames), maps, colours, job.opacity))
            for index, labelled in zip(frames, maps, strict=True):
                write_mask_png(partial / f"{clip.frame_name(index)}.png", labelled, colours)
    shutil.rmtree(labels, ignore_errors=True)
    partial.rename(labels)
