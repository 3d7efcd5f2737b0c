"""Which pages a report has, and what the jobs behind them are told."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from zeroshot_vss.errors import InputError
from zeroshot_vss.report.job import ClipsPageJob, RowOverlayJob, RowTitle, RunsPageJob, TablePlayerJob
from zeroshot_vss.tables.efficiency import EfficiencyRow
from zeroshot_vss.workflow.config import VARIANT
from zeroshot_vss.workflow.plan import Plan, Row
from zeroshot_vss.workflow.provenance import code_digest

STAGES = ("table_page", "clips_page", "runs_page", "row_overlay", "table_player")
FILMED = 2
"""Clips of the overview's data set whose videos are in the report."""


@dataclass(frozen=True)
class ReportPlan:
    """Pages of a configuration."""

    plan: Plan

    def pages(self, tables: Iterable[str]) -> list[str]:
        """The pages of some tables; those of scores have their clips and runs, too."""
        kinds = {table: self.plan.config.tables[table].kind for table in tables}
        found = [f"results/report/{table}.html" for table in kinds]
        return found + [
            f"results/report/{table}-{part}.html"
            for table, kind in kinds.items()
            if kind == "quality"
            for part in ("clips", "runs")
        ]

    def videos(self) -> list[str]:
        """The players of the report: the user's method on the first clips of the overview's data set."""
        chosen = self.plan.config.overview
        row = self.plan.row(chosen.dataset, self.plan.config.user_clips.method, chosen.backbone)
        clips = self._clips(chosen.dataset)[:FILMED]
        return [f"results/overlays/{row.dataset}/{row.name}/{clip}.html" for clip in clips]

    def _clips(self, dataset: str) -> list[str]:
        return [clip for part in self.plan.shards(dataset).values() for clip in part]

    def _title(self, row: Row) -> RowTitle:
        config = self.plan.config
        return RowTitle(
            method=config.method(row.method).title,
            backbone=config.backbones[row.backbone].title if row.backbone else "",
            dataset=config.datasets[row.dataset].title,
        )

    def clips_job(self, table: str) -> str:
        """What the job that writes the scores of each clip is told, as JSON."""
        rows = tuple(map(self._title, self.plan.rows(table)))
        return ClipsPageJob(title=self.plan.config.tables[table].title, rows=rows).model_dump_json()

    def clips_inputs(self, table: str) -> list[str]:
        """The scores of each clip, a file a row."""
        return [self.plan.scores(row).removesuffix(".json") + ".csv" for row in self.plan.rows(table)]

    def runs_job(self, table: str) -> str:
        """What the job that writes how rows were made is told, as JSON."""
        rows = [
            EfficiencyRow(
                **self._title(row).model_dump(),
                stages=tuple((stage, len(paths)) for stage, paths in self.plan.stages(row).items()),
            )
            for row in self.plan.rows(table)
        ]
        return RunsPageJob(title=self.plan.config.tables[table].title, rows=tuple(rows)).model_dump_json()

    def runs_inputs(self, table: str) -> list[str]:
        """The manifests of all stages, row by row."""
        rows = self.plan.rows(table)
        return [path for row in rows for paths in self.plan.stages(row).values() for path in paths]

    def _row(self, dataset: str, name: str) -> Row:
        """The row behind a file name that somebody typed."""
        row, config = self.plan.row_named(dataset, name), self.plan.config
        method = row.method.partition(VARIANT)[0]
        named = (("data set", dataset, config.datasets), ("method", method, config.methods),
                 ("backbone", row.backbone, config.backbones))  # fmt: skip
        for kind, value, known in named:
            if value is not None and value not in known:
                raise InputError(f"results/overlays: there is no {kind} '{value}'; known: {', '.join(known)}")
        if config.methods[method].has_backbone != (row.backbone is not None):
            right = f"{method}@<backbone>" if row.backbone is None else method
            raise InputError(f"results/overlays/{dataset}: there is no row '{name}'; call it '{right}'")
        return row

    def overlay_job(self, dataset: str, name: str, clip: str) -> str:
        """What the job that draws a row over a clip is told, as JSON."""
        chosen, row = self.plan.config.user_clips, self._row(dataset, name)
        job = RowOverlayJob(
            dataset=self.plan.dataset(dataset), clips=(clip,), method=self._title(row).column, fps=chosen.fps,
            opacity=chosen.opacity,
        )  # fmt: skip
        return job.model_dump_json(exclude={"compute"})

    def overlay_input(self, dataset: str, name: str, clip: str) -> str:
        """Manifest of the clip's label maps.

        Raises:
            InputError: there is no such row or clip, or the row has no label maps.
        """
        maps = self.plan.maps(self._row(dataset, name))
        for part, manifest in zip(self.plan.shards(dataset).values(), maps, strict=False):
            if clip in part:
                return manifest
        raise InputError(
            f"results/overlays/{dataset}/{name}/{clip}: the row has no label maps of a clip of that name"
        )

    def _played(self, table: str, dataset: str) -> list[Row]:
        """The rows of a table on a data set that have label maps here."""
        return [row for row in self.plan.rows(table) if row.dataset == dataset and self.plan.predictions(row) is None]

    def player_job(self, table: str, dataset: str, clip: str) -> str:
        """What the job that shows a table's rows side by side is told, as JSON."""
        job = TablePlayerJob(
            dataset=self.plan.dataset(dataset), clips=(clip,), title=self.plan.config.tables[table].title,
            titles=tuple(self._title(row).column for row in self._played(table, dataset)),
            fps=self.plan.config.user_clips.fps,
        )  # fmt: skip
        return job.model_dump_json(exclude={"compute"})

    def player_inputs(self, table: str, dataset: str, clip: str) -> list[str]:
        """Manifests of the rows' label maps.

        Raises:
            InputError: there is no such clip, or the table has no row on the data set.
        """
        rows = self._played(table, dataset)
        if not rows:
            known = ", ".join(self.plan.config.tables[table].datasets)
            raise InputError(f"results/players/{table}: it has no rows on '{dataset}'; its data sets: {known}")
        return [self.overlay_input(dataset, row.name, clip) for row in rows]

    def code(self) -> Mapping[str, str]:
        """Digest of each page's code, by the stage's name."""
        return {name: code_digest(f"zeroshot_vss.stages.{name}") for name in STAGES}
