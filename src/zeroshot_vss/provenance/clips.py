"""Digests of what a clip shows, and of its annotations."""

from __future__ import annotations

import hashlib

from zeroshot_vss.datasets.base import Clip


def clip_digests(clip: Clip) -> tuple[str, str]:
    """SHA-256 of a clip's frames, and of its annotations; reads all of it.

    Raises:
        InputError: naming the first frame or mask that cannot be used.
    """
    frames = hashlib.sha256(f"{len(clip)} {clip.size}".encode())
    masks = hashlib.sha256(f"{len(clip)} {clip.size} {clip.reference}".encode())
    for index in range(len(clip)):
        frames.update(clip.frames([index]).tobytes())
        labels = clip.labels(index)
        masks.update(b"-" if labels is None else labels.tobytes())
    return frames.hexdigest(), masks.hexdigest()
