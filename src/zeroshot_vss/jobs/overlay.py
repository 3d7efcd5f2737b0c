"""The jobs that show a user's clip: as a video, to play, and for other tools."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob


class NamedMapsJob(ClipsJob):
    """A job on the finished label maps of a clip."""

    names: dict[int, str] = {}
    """Of clusters, or of the labels of a mask; those of one name become one."""
    maps: str
    """Manifest of the label maps."""

    def inputs(self) -> list[str]:
        return [self.maps]


class OverlayJob(NamedMapsJob):
    """The pictures of a user's clip."""

    stage: ClassVar[str] = "overlay"

    fps: float | None
    opacity: float
    outlines: bool = True
    legend: bool = True
    side_by_side: bool = False
    video: str
    labels: str
    """Folder of palette PNGs."""

    def outputs(self) -> list[str]:
        return [self.video, self.labels]


class PlayerJob(NamedMapsJob):
    """The player of a user's clip."""

    stage: ClassVar[str] = "player"

    fps: float | None
    page: str

    def outputs(self) -> list[str]:
        return [self.page]


class ExportsJob(NamedMapsJob):
    """The label maps of a user's clip in the formats of other tools."""

    stage: ClassVar[str] = "exports"

    folder: str

    def outputs(self) -> list[str]:
        return [self.folder]
