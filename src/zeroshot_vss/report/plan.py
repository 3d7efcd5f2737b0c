"""Which pages a report has, and what the jobs behind them are given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zeroshot_vss.errors import InputError
from zeroshot_vss.report.job import (
    ClipsPageJob,
    LeaderboardJob,
    LeaderboardRow,
    PlayerRow,
    RowOverlayJob,
    RowTitle,
    RunsPageJob,
    TablePageJob,
    TablePlayerJob,
)
from zeroshot_vss.tables.efficiency import EfficiencyRow
from zeroshot_vss.tables.quality import TableJob
from zeroshot_vss.workflow.rows import Row, make_row, table_rows
from zeroshot_vss.workflow.stages import Stages
from zeroshot_vss.workflow.tables import Tables

FILMED = 2
"""Clips of the overview's data set whose videos are in the report, and of each data set of a leaderboard."""


@dataclass
class Pages:
    """Pages of a configuration."""

    stages: Stages
    tables: Tables

    def names(self, tables: Iterable[str]) -> list[str]:
        """The pages of some tables; those of scores have their clips and runs, too."""
        kinds = {table: self.stages.config.tables[table].kind for table in tables}
        pages = [f"results/report/{table}.html" for table in kinds]
        return pages + [
            page
            for table, kind in kinds.items()
            if kind == "quality"
            for page in (
                f"results/{table}-leaderboard.html",
                *(f"results/report/{table}-{part}.html" for part in ("clips", "runs")),
            )
        ]

    def videos(self) -> list[str]:
        """The players of the report: the overview's last method on the first clips of its data set."""
        config, chosen = self.stages.config, self.stages.config.overview
        row = make_row(config, chosen.dataset, chosen.methods[-1], chosen.backbone)
        clips = self.stages.clips(chosen.dataset)[:FILMED]
        return [f"results/overlays/{row.dataset}/{row.name}/{clip}.html" for clip in clips]

    def _title(self, row: Row) -> RowTitle:
        config = self.stages.config
        return RowTitle(
            method=config.method(row.method).title,
            backbone=config.backbones[row.backbone].title if row.backbone else "",
            dataset=config.datasets[row.dataset].title,
        )

    def _rows(self, table: str) -> list[Row]:
        return table_rows(self.stages.config, table)

    def table(self, name: str) -> TablePageJob:
        """The job that writes a table as a page."""
        chosen, stem = self.stages.config.tables[name], self.stages.results
        shown = (f"{stem}/{name}.md", *([f"{stem}/{name}-intervals.md"] if chosen.kind == "quality" else []))
        return self.stages.add(
            TablePageJob, title=chosen.title, markdown=shown, page=f"{stem}/report/{name}.html"
        )  # fmt: skip

    def clips(self, table: str) -> ClipsPageJob:
        """The job that writes the scores of each clip."""
        rows = self._rows(table)
        return self.stages.add(
            ClipsPageJob, title=self.stages.config.tables[table].title, rows=tuple(map(self._title, rows)),
            scores=tuple(self.tables.scores(row).outputs()[1] for row in rows),
            page=f"{self.stages.results}/report/{table}-clips.html",
        )  # fmt: skip

    def runs(self, table: str) -> RunsPageJob:
        """The job that writes how rows were made."""
        rows = [
            EfficiencyRow(**self._title(row).model_dump(), stages=self.stages.of_row(row))
            for row in self._rows(table)
        ]
        return self.stages.add(
            RunsPageJob, title=self.stages.config.tables[table].title, rows=tuple(rows),
            page=f"{self.stages.results}/report/{table}-runs.html",
        )  # fmt: skip

    def overlay(self, row: Row, clip: str) -> RowOverlayJob:
        """The job that draws a row over a clip.

        Raises:
            InputError: there is no such clip, or the row has no label maps.
        """
        chosen, maps = self.stages.config.user_clips, self.stages.maps(row)
        if maps is None or clip not in self.stages.clips(row.dataset):
            raise InputError(f"data set '{row.dataset}': the row '{row.name}' has no label maps of a clip '{clip}'")
        stem = f"{self.stages.results}/overlays/{row.dataset}/{row.name}/{clip}"
        return self.stages.add(
            RowOverlayJob, self.stages.reader(row.dataset),
            dataset=self.stages.job_dataset(row.dataset, (clip,)), clips=(clip,), method=self._title(row).column,
            fps=chosen.fps, opacity=chosen.opacity,
            maps=f"{maps.folder}/{self.stages.part_of(row.dataset, clip)}.json",
            video=f"{stem}.mp4", page=f"{stem}.html",
        )  # fmt: skip

    def _played(self, row: Row, clip: str) -> PlayerRow:
        """A row in the player of a clip."""
        title, maps = self._title(row).column, self.stages.maps(row)
        if maps is not None:
            return PlayerRow(title=title, maps=f"{maps.folder}/{self.stages.part_of(row.dataset, clip)}.json")
        scores = self.tables.scores(row)
        return PlayerRow(title=title, predictions=scores.predictions, checked=scores.checked)

    def leaderboard(self, table: str) -> LeaderboardJob:
        """The job that writes the leaderboard of a table of scores, and those of the players that it links to.

        Raises:
            InputError: the table has no scores.
        """
        made, rows = self.tables.table(table), self._rows(table)
        if not isinstance(made, TableJob):
            raise InputError(f"table '{table}' is of kind '{self.stages.config.tables[table].kind}'; only tables of "
                             "kind 'quality' have a leaderboard")  # fmt: skip
        players = {
            dataset: {clip: self.player(table, dataset, clip).page for clip in self.stages.clips(dataset)[:FILMED]}
            for dataset in dict.fromkeys(row.dataset for row in rows)
        }
        return self.stages.add(
            LeaderboardJob, title=made.title, intervals=made.intervals, comparisons=made.comparisons,
            rows=tuple(self._listed(row, players[row.dataset]) for row in rows),
            page=f"{self.stages.results}/{table}-leaderboard.html",
        )  # fmt: skip

    def _listed(self, row: Row, players: dict[str, str]) -> LeaderboardRow:
        """A row of a leaderboard."""
        scores = self.tables.scores(row)
        return LeaderboardRow(
            **self._title(row).model_dump(), supervision=self.stages.config.method(row.method).supervision,
            stages=self.stages.of_row(row), scores=scores.scores, checked=scores.checked, players=players,
        )  # fmt: skip

    def player(self, table: str, dataset: str, clip: str) -> TablePlayerJob:
        """The job that shows a table's rows over a clip side by side.

        Raises:
            InputError: there is no such clip, or the table has no row on the data set.
        """
        shown = [row for row in self._rows(table) if row.dataset == dataset]
        if not shown or clip not in self.stages.clips(dataset):
            raise InputError(f"table '{table}' has no label maps of a clip '{clip}' of the data set '{dataset}'")
        return self.stages.add(
            TablePlayerJob, self.stages.reader(dataset),
            dataset=self.stages.job_dataset(dataset, (clip,)), clips=(clip,), fps=self.stages.config.user_clips.fps,
            title=self.stages.config.tables[table].title, rows=tuple(self._played(row, clip) for row in shown),
            page=f"{self.stages.results}/players/{table}/{dataset}/{clip}.html",
        )  # fmt: skip
