"""The workflow's plan: which files each row of each table needs, and what the job behind each file is told.

Used by rules/common.smk; knows paths and jobs, but nothing of Snakemake.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zeroshot_vss.backbones.folder import fingerprint
from zeroshot_vss.config import Config
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.datasets.options import check_name
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols import get_protocol
from zeroshot_vss.paths import spell
from zeroshot_vss.provenance import code_digest
from zeroshot_vss.settings import Baseline, MethodSettings
from zeroshot_vss.stages.job import (
    BaselineJob,
    CheckJob,
    CoarseJob,
    CorrespondenceJob,
    DataSetSpec,
    FeaturesJob,
    Job,
    OverlayJob,
    OverviewJob,
    ScoreJob,
    UpsampleJob,
)
from zeroshot_vss.tables import TableJob, TableRow

USER_CLIPS = "clips"
"""The data set that the clips of the user make up."""


@dataclass(frozen=True)
class Row:
    """A method on a data set, with a backbone where it has one."""

    dataset: str
    method: str
    backbone: str | None

    @property
    def name(self) -> str:
        """As in the names of its files."""
        return self.method if self.backbone is None else f"{self.method}@{self.backbone}"


def _expand(dataset: str, key: str, value: Any) -> Any:
    """Environment variables in an option's text, so that a folder can be given on the command line."""
    if not isinstance(value, str) or "$" not in value:
        return value
    expanded = os.path.expandvars(value)
    if "$" in expanded:
        raise InputError(
            f"data set '{dataset}': the environment does not set {value}; set it to the folder of the data set, "
            f"or write the folder in the configuration (`datasets: {dataset}: options: {key}:`)"
        )
    return expanded


@dataclass
class Plan:
    """Paths and jobs of a configuration.

    Raises:
        InputError: data or weights that a row needs are not there, or its settings are wrong.
    """

    config: Config
    results: str = "results"
    _shards: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    _jobs: dict[str, Job] = field(default_factory=dict)
    _prints: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for table in self.config.tables:
            for row in self.rows(table):
                self.maps(row)
        for method in self.config.overview.methods:
            self.maps(self.row(self.config.overview.dataset, method, self.config.overview.backbone))
        for name in self.config.clips:
            self.maps(self.user_row())
            check_name(name, "config: clips")

    def row(self, dataset: str, method: str, backbone: str) -> Row:
        """A row; methods without a diffusion model have no backbone."""
        return Row(dataset, method, None if self.config.methods[method].baseline else backbone)

    def rows(self, table: str) -> list[Row]:
        """The measured rows of a table, by data set, then in the order of its methods."""
        chosen = self.config.tables[table]  # pyright: ignore[reportArgumentType]
        rows = [
            self.row(dataset, method, backbone)
            for dataset in chosen.datasets
            for method in chosen.methods
            for backbone in chosen.backbones
        ]
        return list(dict.fromkeys(rows))

    def user_row(self) -> Row:
        """How the user's own clips are segmented."""
        return self.row(USER_CLIPS, self.config.user_clips.method, self.config.user_clips.backbone)

    def dataset(self, name: str, clips: tuple[str, ...] | None = None) -> DataSetSpec:
        """A configured data set.

        Jobs on `clips` of the user are told of these alone, so that a further clip leaves theirs as they are.
        """
        if name == USER_CLIPS:
            chosen = {clip: path for clip, path in self.config.clips.items() if clips is None or clip in clips}
            return DataSetSpec(name=name, kind="user", options={"clips": chosen})
        configured = self.config.datasets[name]
        options = {key: _expand(name, key, value) for key, value in configured.options.items()}
        return DataSetSpec(name=name, kind=configured.kind, options=options)

    def shards(self, dataset: str) -> dict[str, tuple[str, ...]]:
        """Clips of each job on a data set, by the job's name. Each clip of the user is a job of its own."""
        if dataset not in self._shards:
            spec = self.dataset(dataset)
            clips = open_dataset(spec.kind, spec.options).clips()
            if not clips:
                raise InputError(f"data set '{dataset}' has no clips")
            size = 1 if dataset == USER_CLIPS else self.config.compute.clips_per_job
            parts = [tuple(clips[i : i + size]) for i in range(0, len(clips), size)]
            named = {part[0] if dataset == USER_CLIPS else f"{i:04d}": part for i, part in enumerate(parts)}
            self._shards[dataset] = named
        return self._shards[dataset]

    def maps(self, row: Row) -> list[str]:
        """Manifests of a row's full-resolution label maps; the jobs behind them become known."""
        baseline = self.config.baseline_settings(row.method)
        if baseline is not None:
            return self._add_baseline(row, baseline)
        assert row.backbone is not None
        return self._add_method(row, row.backbone, self.config.method_settings(row.method, row.backbone))

    def _add(self, folder: str, shard: str, job: Job) -> str:
        self._jobs.setdefault(f"{folder}/{shard}", job)
        return f"{folder}/{shard}.json"

    def _add_baseline(self, row: Row, settings: Baseline) -> list[str]:
        folder = f"{self.results}/baselines/{row.dataset}/{spell(settings)}"
        return [
            self._add(folder, shard, BaselineJob(**self._told(row.dataset, shard, clips), settings=settings))
            for shard, clips in self.shards(row.dataset).items()
        ]

    def _told(self, dataset: str, shard: str, clips: tuple[str, ...]) -> dict[str, Any]:
        told = {"dataset": self.dataset(dataset, clips), "clips": clips}
        self._add(f"{self.results}/checked/{dataset}", shard, CheckJob(**told))
        return told

    def _add_method(self, row: Row, backbone: str, settings: MethodSettings) -> list[str]:
        features, matches = settings.stage_features(), settings.stage_correspondence()
        upsampling = settings.stage_upsampling()
        if backbone not in self._prints:
            self._prints[backbone] = fingerprint(self.config.backbones[backbone].spec(backbone))
        model = {"backbone": self.config.backbones[backbone].spec(backbone), "weights": self._prints[backbone]}
        stem = f"{row.dataset}/{backbone}/{spell(features)}"
        refined = f"{stem}/{spell(settings.context)}/{spell(matches)}"
        manifests = []
        for shard, clips in self.shards(row.dataset).items():
            told = self._told(row.dataset, shard, clips)
            self._add(f"{self.results}/features/{stem}", shard, FeaturesJob(**told, **model, settings=features))
            if matches is not None:
                job = CorrespondenceJob(**told, settings=matches, features=features)
                self._add(f"{self.results}/correspondences/{stem}/{spell(matches)}", shard, job)
            coarse = CoarseJob(**told, settings=settings.context, features=features, refinement=matches)
            self._add(f"{self.results}/coarse/{refined}", shard, coarse)
            job = UpsampleJob(**told, **model, settings=upsampling)
            manifests.append(self._add(f"{self.results}/maps/{refined}/{spell(upsampling)}", shard, job))
        return manifests

    def job(self, path: str) -> str:
        """What the job that writes `<path>.json` is told, as JSON.

        Raises:
            InputError: no row of the configuration needs that file.
        """
        if path not in self._jobs:
            raise InputError(f"no row of the configuration needs {path}; see its methods and tables")
        return self._jobs[path].model_dump_json(exclude={"compute"})

    def scores(self, row: Row) -> str:
        """The scores of a row."""
        return f"{self.results}/scores/{row.dataset}/{row.name}.json"

    def score_job(self, dataset: str, name: str) -> str:
        """What the job that writes a row's scores is told, as JSON."""
        configured, spec = self.config.datasets[dataset], self.dataset(dataset)
        legend = open_dataset(spec.kind, spec.options).legend
        protocol = get_protocol(configured.protocol)
        classes = len(legend.names) if legend is not None and protocol.any_classes else None
        clips = tuple(clip for part in self.shards(dataset).values() for clip in part)
        return ScoreJob(dataset=spec, clips=clips, protocol=configured.protocol, classes=classes).model_dump_json(
            exclude={"compute"}
        )

    def overlay_job(self, clip: str) -> str:
        """What the job that draws a user's clip is told, as JSON."""
        chosen = self.config.user_clips
        job = OverlayJob(
            dataset=self.dataset(USER_CLIPS, (clip,)), clips=(clip,), fps=chosen.fps, opacity=chosen.opacity
        )
        return job.model_dump_json(exclude={"compute"})

    def overview_rows(self) -> list[Row]:
        """The rows that the overview figure shows."""
        chosen = self.config.overview
        return [self.row(chosen.dataset, method, chosen.backbone) for method in chosen.methods]

    def overview_job(self) -> str:
        """What the job that draws the overview is told, as JSON."""
        chosen = self.config.overview
        clips = [clip for part in self.shards(chosen.dataset).values() for clip in part][: chosen.clips]
        titles = tuple(self.config.methods[method].title for method in chosen.methods)
        job = OverviewJob(
            dataset=self.dataset(chosen.dataset), clips=tuple(clips), frames=chosen.frames, titles=titles
        )
        return job.model_dump_json(exclude={"compute"})

    def table_job(self, table: str) -> str:
        """What the job that prints a table is told, as JSON: its rows in words, in the order of their scores."""
        config = self.config
        rows = [
            TableRow(
                method=config.methods[row.method].title,
                backbone="" if row.backbone is None else config.backbones[row.backbone].title,
                supervision=config.methods[row.method].supervision,
                dataset=config.datasets[row.dataset].title,
                key=(row.method, row.backbone or "", row.dataset),
            )
            for row in self.rows(table)
        ]
        return TableJob(rows=tuple(rows)).model_dump_json()

    def row_named(self, dataset: str, name: str) -> Row:
        """The row behind a file name."""
        method, _, backbone = name.partition("@")
        return Row(dataset, method, backbone or None)

    def code(self) -> Mapping[str, str]:
        """Digest of each stage's code, by the stage's name."""
        return {name: code_digest(f"zeroshot_vss.stages.{name}") for name in STAGES}


STAGES = (
    "check", "features", "correspondences", "coarse", "upsample", "baseline", "score", "table", "overview", "overlay",
)  # fmt: skip
