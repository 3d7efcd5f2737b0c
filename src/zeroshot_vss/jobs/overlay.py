"""The job that draws a user's clip."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob


class OverlayJob(ClipsJob):
    """The pictures of a user's clip."""

    stage: ClassVar[str] = "overlay"

    fps: float | None
    opacity: float
    maps: str
    """Manifest of the label maps."""
    video: str
    labels: str
    """Folder of palette PNGs."""

    def inputs(self) -> list[str]:
        return [self.maps]

    def outputs(self) -> list[str]:
        return [self.video, self.labels]
