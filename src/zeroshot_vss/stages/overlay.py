"""Overlay stage: a user's clip with its labels on it, as a video and as palette PNGs."""

from __future__ import annotations

import shutil
from pathlib import Path

from zeroshot_vss.clips.opening import open_result
from zeroshot_vss.datasets.user import plain
from zeroshot_vss.io.drawing import Drawing, draw
from zeroshot_vss.io.images import write_mask_png
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.method.batches import cut
from zeroshot_vss.settings.batches import Batches


def run(job: OverlayJob) -> None:
    """Write the overlay video (MP4) and a folder of palette PNGs whose values are the labels."""
    (name,), at_once, labels = job.clips, job.compute.frames_at_once, Path(job.labels)
    how = Drawing(job.opacity, job.outlines, job.legend, job.side_by_side)
    partial = labels.with_name(f".{labels.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with open_result(job.open(), name, job.names, job.maps, at_once) as result:
        clip, colours = result.clip, result.legend.colours
        with VideoWriter.like(plain(clip), Path(job.video), job.fps) as writer:
            for frames in progress(cut(len(clip), Batches(size=at_once)), len, f"overlay of {name}"):
                maps = result.labels(frames)
                writer.write(draw(clip.frames(frames), maps, result.legend, result.shown, how))
                for index, labelled in zip(frames, maps, strict=True):
                    write_mask_png(partial / f"{clip.frame_name(index)}.png", labelled, colours)
    shutil.rmtree(labels, ignore_errors=True)
    partial.rename(labels)
