"""The check job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob


class CheckJob(ClipsJob):
    """A job that reads every frame and mask once."""

    stage: ClassVar[str] = "check"

    frames: str
    """Manifest of the frames' digests, which models depend on."""
    masks: str
    """Manifest of the annotations' digests, which labels and scores depend on."""
    listing: str = ""
    """Digest of names, sizes and times of the files, so that data which was written anew is read again."""

    def inputs(self) -> list[str]:
        return []

    def outputs(self) -> list[str]:
        return [self.frames, self.masks]
