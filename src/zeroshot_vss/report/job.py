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
    markdown: tuple[str, ...]
    """Files, one below the other: the table, and for one of scores its intervals and ranks."""
    page: str

    def inputs(self) -> list[str]:
        return list(self.markdown)

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


class PlayerRow(Settings):
    """A row in a player."""

    title: str
    maps: str | None = None
    """Manifest of its label maps; None for another system's."""
    predictions: str | None = None
    """Folder of another system's label maps."""
    checked: str | None = None
    """What the check found in that folder."""


class TablePlayerJob(ClipsJob):
    """The label maps of a table's rows over a clip, side by side."""

    stage: ClassVar[str] = "table_player"

    title: str
    rows: tuple[PlayerRow, ...]
    fps: float | None
    page: str

    def inputs(self) -> list[str]:
        return [path for row in self.rows for path in (row.maps, row.checked) if path]

    def outputs(self) -> list[str]:
        return [self.page]


class LeaderboardRow(EfficiencyRow):
    """A measured row, and where it comes from."""

    supervision: str
    scores: str
    """JSON of the pooled figures."""
    checked: str | None = None
    """What the check found in another system's folder."""
    players: dict[str, str] = {}
    """Clip to the page that shows it."""


class LeaderboardJob(Job):
    """The rows of a table of scores, sorted, with intervals, ranks and origins."""

    stage: ClassVar[str] = "leaderboard"

    title: str
    rows: tuple[LeaderboardRow, ...]
    intervals: str
    """CSV of the table's intervals and ranks."""
    comparisons: str
    """CSV of the differences of each two rows."""
    page: str

    def inputs(self) -> list[str]:
        files = [self.intervals, self.comparisons]
        for row in self.rows:
            files += [row.scores, *([row.checked] if row.checked else []), *row.players.values()]
            files += [path for parts in row.stages.values() for path in parts.paths()]
        return list(dict.fromkeys(files))

    def outputs(self) -> list[str]:
        return [self.page]
