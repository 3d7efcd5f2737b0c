"""What the jobs that write pages are given."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob, Job
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.tables.efficiency import EfficiencyRow


class RowTitle(Settings):
    """A row in words."""

    method: str
    backbone: str
    dataset: str

    @property
    def column(self) -> str:
        """Where the data set is said elsewhere."""
        return f"{self.method}, {self.backbone}" if self.backbone else self.method


class TablePageJob(Job):
    """A table as a page."""

    stage: ClassVar[str] = "table_page"

    title: str
    markdown: str
    page: str

    def inputs(self) -> list[str]:
        return [self.markdown]

    def outputs(self) -> list[str]:
        return [self.page]


class ClipsPageJob(Job):
    """The scores of each clip, of the rows of a table."""

    stage: ClassVar[str] = "clips_page"

    title: str
    rows: tuple[RowTitle, ...]
    scores: tuple[str, ...]
    """CSV of each row."""
    page: str

    def inputs(self) -> list[str]:
        return list(self.scores)

    def outputs(self) -> list[str]:
        return [self.page]


class RunsPageJob(Job):
    """How the rows of a table were made."""

    stage: ClassVar[str] = "runs_page"

    title: str
    rows: tuple[EfficiencyRow, ...]
    page: str

    def inputs(self) -> list[str]:
        return [path for row in self.rows for parts in row.stages.values() for path in parts.paths()]

    def outputs(self) -> list[str]:
        return [self.page]


class RowOverlayJob(ClipsJob):
    """The video of a row on a clip of a data set."""

    stage: ClassVar[str] = "row_overlay"

    method: str
    """In words, with its backbone."""
    fps: float | None
    opacity: float
    maps: str
    """Manifest of the label maps."""
    video: str
    page: str

    def inputs(self) -> list[str]:
        return [self.maps]

    def outputs(self) -> list[str]:
        return [self.video, self.page]


class TablePlayerJob(ClipsJob):
    """The label maps of a table's rows over a clip, side by side."""

    stage: ClassVar[str] = "table_player"

    title: str
    titles: tuple[str, ...]
    """Of the rows."""
    fps: float | None
    maps: tuple[str, ...]
    """Manifest of each row's label maps."""
    page: str

    def inputs(self) -> list[str]:
        return list(self.maps)

    def outputs(self) -> list[str]:
        return [self.page]
