"""Tables, sweeps and scores: which rows they show, and what the jobs behind them are given."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from zeroshot_vss.config import Config
from zeroshot_vss.config.tables import TableConfig
from zeroshot_vss.entries.index import FILE
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.places import full_path
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.jobs.check_predictions import PredictionsJob
from zeroshot_vss.jobs.score import ScoreJob
from zeroshot_vss.metrics.classes import confusion_of
from zeroshot_vss.metrics.protocols import PROTOCOLS
from zeroshot_vss.provenance.files import file_digest
from zeroshot_vss.tables.attributes import AttributesJob
from zeroshot_vss.tables.classes import ClassesJob
from zeroshot_vss.tables.efficiency import EfficiencyJob, EfficiencyRow
from zeroshot_vss.tables.frontier import FrontierJob
from zeroshot_vss.tables.intervals_figure import IntervalsFigureJob
from zeroshot_vss.tables.quality import TableJob, TableRow
from zeroshot_vss.tables.sweep import SweepJob, SweepPoint
from zeroshot_vss.tables.used_settings import SettingsColumn, SettingsJob
from zeroshot_vss.workflow.entries import purpose_of
from zeroshot_vss.workflow.rows import Row, sweep_rows, table_rows
from zeroshot_vss.workflow.stages import Stages


@dataclass
class Tables:
    """Jobs of tables, sweeps and scores."""

    stages: Stages

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.stages.config

    def scores(self, row: Row) -> ScoreJob:
        """The job that scores a row."""
        stages, configured = self.stages, self.config.datasets[row.dataset]
        maps, folder = stages.maps(row), stages.predictions(row)
        legend, protocol = stages.opened(row.dataset).legend, PROTOCOLS.load(configured.protocol)
        clips = tuple(stages.clips(row.dataset))
        return stages.add(
            ScoreJob,
            stages.reader(row.dataset),
            PROTOCOLS.module(configured.protocol),
            dataset=stages.job_dataset(row.dataset, clips),
            clips=clips,
            protocol=configured.protocol,
            classes=len(legend.names) if legend is not None and protocol.any_classes else None,
            masks=stages.checked(row.dataset)[1],
            maps=maps,
            predictions=None if folder is None else str(full_path(folder)),
            checked=None if folder is None else self.predictions(row, full_path(folder)).checked,
            scores=f"{stages.results}/scores/{row.dataset}/{row.name}.json",
        )

    def predictions(self, row: Row, folder: Path) -> PredictionsJob:
        """The job that checks the predictions of a row."""
        stages, index = self.stages, folder / FILE
        return stages.add(
            PredictionsJob,
            folder=str(folder),
            purpose=purpose_of(row, self.config.datasets[row.dataset], stages.dataset(row.dataset)),
            index=file_digest(index) if index.is_file() else None,
            checked=f"{stages.results}/predictions/{row.dataset}/{row.name}.json",
        )

    def describe(self, row: Row, timed: str | None = None) -> TableRow:
        """A row in words, with its scores."""
        method = self.config.method(row.method)
        return TableRow(
            method=method.title,
            backbone="" if row.backbone is None else self.config.backbones[row.backbone].title,
            supervision=method.supervision,
            dataset=self.config.datasets[row.dataset].title,
            key=(row.method, row.backbone or "", row.dataset),
            scores=self.scores(row).scores,
            timed=self.stages.of_row(row).get(timed) if timed else None,
        )

    def _costs(self, row: Row) -> EfficiencyRow:
        shown = self.describe(row)
        return EfficiencyRow(
            method=shown.method, backbone=shown.backbone, dataset=shown.dataset, key=shown.key,
            stages=self.stages.of_row(row),
        )  # fmt: skip

    def published(self, table: str) -> str | None:
        """The paper's figures of a table; None where they are lost."""
        path = self.stages.home / "config" / "published" / f"{table}.csv"
        return os.path.normpath(path) if path.is_file() else None

    def table(self, name: str) -> Job:
        """The job that prints a table."""
        chosen, rows = self.config.tables[name], table_rows(self.config, name)
        return getattr(self, f"_{chosen.kind}")(chosen, rows, f"{self.stages.results}/{name}.csv", name)

    def _quality(self, chosen: TableConfig, rows: list[Row], csv: str, name: str) -> TableJob:
        shown = tuple(self.describe(row, chosen.seconds) for row in rows)
        chosen_protocols = dict.fromkeys(PROTOCOLS.module(self.config.datasets[row.dataset].protocol) for row in rows)
        return self.stages.add(
            TableJob, *chosen_protocols, title=chosen.title, across=chosen.across, seconds=chosen.seconds, rows=shown,
            published=self.published(name), csv=csv,
        )  # fmt: skip

    def intervals_figure(self, name: str) -> IntervalsFigureJob:
        """The job that draws a table's intervals and ranks.

        Raises:
            InputError: the table has no scores.
        """
        made = self._scored(name, "intervals")
        return self.stages.add(
            IntervalsFigureJob, title=made.title, intervals=made.intervals, comparisons=made.comparisons
        )  # fmt: skip

    def attributes(self, name: str) -> AttributesJob:
        """The job that shows a table's rows attribute by attribute.

        Raises:
            InputError: the table has no scores.
        """
        made = self._scored(name, "attributes")
        tex = made.sequences.removesuffix("-sequences.csv") + "-attributes.tex"
        return self.stages.add(AttributesJob, title=made.title, sequences=made.sequences, tex=tex)

    def _scored(self, name: str, what: str) -> TableJob:
        """A table of scores."""
        made = self.table(name)
        if isinstance(made, TableJob):
            return made
        kind = self.config.tables[name].kind
        raise InputError(f"table '{name}' is of kind '{kind}'; only tables of kind 'quality' have {what}")

    def class_rows(self, name: str) -> list[Row]:
        """The rows of a table of scores whose protocol counts pixels by class."""
        chosen = self.config.tables[name]
        counted = {
            dataset for dataset in chosen.datasets
            if confusion_of(PROTOCOLS.load(self.config.datasets[dataset].protocol)) is not None
        }  # fmt: skip
        rows = table_rows(self.config, name) if chosen.kind == "quality" else []
        return [row for row in rows if row.dataset in counted]

    def classes(self, name: str) -> ClassesJob:
        """The job that prints a table's rows class by class.

        Raises:
            InputError: no row of the table is scored by classes.
        """
        rows = self.class_rows(name)
        if not rows:
            raise InputError(f"table '{name}': no row is scored by classes, so that there is no table of them")
        names = {}
        for dataset in dict.fromkeys(row.dataset for row in rows):
            legend = self.stages.opened(dataset).legend
            names[self.config.datasets[dataset].title] = () if legend is None else legend.names
        return self.stages.add(
            ClassesJob, *dict.fromkeys(PROTOCOLS.module(self.config.datasets[row.dataset].protocol) for row in rows),
            title=self.config.tables[name].title, rows=tuple(map(self.describe, rows)), names=names,
            csv=f"{self.stages.results}/{name}-classes.csv",
        )  # fmt: skip

    def _settings(self, chosen: TableConfig, rows: list[Row], csv: str, name: str) -> SettingsJob:
        columns = []
        for row in rows:
            shown = self._costs(row)
            first = {stage: parts.paths()[0] for stage, parts in shown.stages.items()}
            columns.append(SettingsColumn(title=f"{shown.method}, {shown.backbone}", stages=first))
        return self.stages.add(SettingsJob, title=chosen.title, columns=tuple(columns), csv=csv)

    def _efficiency(self, chosen: TableConfig, rows: list[Row], csv: str, name: str) -> EfficiencyJob:
        costs = tuple(map(self._costs, rows))
        return self.stages.add(EfficiencyJob, title=chosen.title, rows=costs, published=self.published(name), csv=csv)

    def _frontier(self, chosen: TableConfig, rows: list[Row], csv: str, name: str) -> FrontierJob:
        stem, names = csv.removesuffix(".csv"), chosen.datasets
        return self.stages.add(
            FrontierJob,
            *dict.fromkeys(self.stages.reader(dataset) for dataset in names),
            title=chosen.title,
            rows=tuple(map(self._costs, rows)),
            compared="backbone" if chosen.across == "backbones" else "method",
            datasets={
                self.config.datasets[name].title: self.stages.job_dataset(name, self.stages.clips(name))
                for name in names
            },
            scores=tuple(self.scores(row).scores for row in rows),
            csv=csv,
            png=f"{stem}.png",
            pdf=f"{stem}.pdf",
        )

    def sweep(self, name: str) -> SweepJob:
        """The job that plots a sweep."""
        chosen, labels = self.config.sweeps[name], list(self.config.points(name))
        points = tuple(
            SweepPoint(label=labels[i % len(labels)], row=self.describe(row))
            for i, row in enumerate(sweep_rows(self.config, name))
        )
        stem = f"{self.stages.results}/sweeps/{name}"
        return self.stages.add(
            SweepJob, title=chosen.title, axis=chosen.axis, figures=chosen.figures, points=points, csv=f"{stem}.csv",
            png=f"{stem}.png", pdf=f"{stem}.pdf",
        )  # fmt: skip
