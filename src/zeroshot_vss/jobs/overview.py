"""The job that draws the overview."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob, Parts


class OverviewJob(ClipsJob):
    """The overview figure: the first clips of a data set."""

    stage: ClassVar[str] = "overview"

    frames: tuple[int, ...]
    titles: tuple[str, ...]
    """Of the methods, in the order of their columns."""
    maps: tuple[Parts, ...]
    """Manifests of the label maps, of each method."""
    picture: str

    def inputs(self) -> list[str]:
        return [path for parts in self.maps for path in parts.paths()]

    def outputs(self) -> list[str]:
        return [self.picture]
