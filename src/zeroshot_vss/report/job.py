"""What the jobs that write pages are told."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job
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


class ClipsPageJob(Settings):
    """The scores of each clip, of the rows of a table."""

    title: str
    rows: tuple[RowTitle, ...]
    """In the order of their scores."""


class RunsPageJob(Settings):
    """How the rows of a table were made."""

    title: str
    rows: tuple[EfficiencyRow, ...]


class RowOverlayJob(Job):
    """The video of a row on a clip of a data set."""

    method: str
    """In words, with its backbone."""
    fps: float | None
    opacity: float


class TablePlayerJob(Job):
    """The label maps of a table's rows over a clip, side by side."""

    title: str
    titles: tuple[str, ...]
    """Of the rows."""
    fps: float | None
