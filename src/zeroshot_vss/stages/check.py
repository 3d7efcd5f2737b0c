"""Check stage: every frame and mask is read once, before time is spent on a model."""

from __future__ import annotations

import hashlib
from pathlib import Path

from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import Manifest
from zeroshot_vss.jobs.check import CheckJob


def run(job: CheckJob, manifest: Path) -> None:
    """Write a manifest with a digest of each clip's frames and annotations, so that changed data is noticed.

    Raises:
        InputError: naming the first frame or mask that cannot be used.
    """
    dataset = job.dataset.open()
    done = Manifest(manifest, {})
    for name in progress(job.clips, lambda _: 1, f"checking {job.dataset.name}"):
        clip = dataset.clip(name)
        digest = hashlib.sha256(f"{len(clip)} {clip.size}".encode())
        for index in range(len(clip)):
            digest.update(clip.frames([index]).tobytes())
            labels = clip.labels(index)
            digest.update(b"-" if labels is None else labels.tobytes())
        done.digests[name] = digest.hexdigest()
    done.write()
