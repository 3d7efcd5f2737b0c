"""Check stage: every frame and mask is read once, before time is spent on a model."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import Manifest
from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.provenance.clips import clip_digests


def run(job: CheckJob) -> None:
    """Write two manifests with digests of each clip's frames and of its annotations.

    What a stage reads is what it depends on: an edited mask runs no model again.

    Raises:
        InputError: naming the first frame or mask that cannot be used.
    """
    dataset = job.open()
    frames, masks = Manifest(Path(job.frames), {}), Manifest(Path(job.masks), {})
    for name in progress(job.clips, lambda _: 1, f"checking {job.dataset.name}"):
        frames.digests[name], masks.digests[name] = clip_digests(dataset.clip(name))
    frames.write()
    masks.write()
