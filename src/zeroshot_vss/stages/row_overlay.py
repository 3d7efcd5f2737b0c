"""A row's label maps over the frames of a clip of a data set, as a video and as a page that plays it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zeroshot_vss.io.drawing import outlined
from zeroshot_vss.io.palette import cluster_colours, overlay
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import Manifest, open_clip
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.method.batches import cut
from zeroshot_vss.report.job import RowOverlayJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.player import player_page
from zeroshot_vss.settings.batches import Batches

FPS, FPS_OF_FEW = 15, 2
"""Of the video by default; the second where only some frames have label maps, which are then shown one by one."""


def run(job: RowOverlayJob) -> None:
    """Write the video (MP4) of the frames that have label maps, and its page."""
    dataset, (name,) = job.open(), job.clips
    video, page = Path(job.video), Path(job.page)
    clip = dataset.clip(name)
    colours = cluster_colours(256) if dataset.legend is None else dataset.legend.colours
    mapped = list(clip.mapped())
    fps = job.fps or (FPS if len(mapped) == len(clip) else FPS_OF_FEW)
    used: set[int] = set()
    with open_clip(Manifest.load(job.maps).verified(name)) as file, VideoWriter(video, fps) as writer:
        for places in progress(cut(len(mapped), Batches(size=job.compute.frames_at_once)), len, f"video of {name}"):
            frames = [mapped[place] for place in places]
            maps = np.stack([file["maps"][frame] for frame in frames])
            writer.write(outlined(overlay(clip.frames(frames), maps, colours, job.opacity), maps, colours))
            used |= set(np.unique(maps).tolist())
    names = [f"cluster {label}" for label in range(256)] if dataset.legend is None else dataset.legend.names
    legend = [(names[label], colours[label]) for label in sorted(used) if label < len(names)]
    title = f"{job.method}: {name} of {job.dataset.name}"
    write_page(page, title, player_page(title, video, legend), width=max(clip.size[1], 640))
