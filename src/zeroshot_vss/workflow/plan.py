"""The workflow's plan: which files each row of each table needs, and what the job behind each file is told.

Used by rules/common.smk; knows paths and jobs, but nothing of Snakemake.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from zeroshot_vss.backbones.folder import fingerprint
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.plan import Figures
from zeroshot_vss.jobs.base import DataSetSpec, Job
from zeroshot_vss.jobs.baseline import BaselineJob
from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.jobs.correspondences import CorrespondenceJob
from zeroshot_vss.jobs.features import FeaturesJob
from zeroshot_vss.jobs.overlay import OverlayJob
from zeroshot_vss.jobs.overview import OverviewJob
from zeroshot_vss.jobs.score import PredictionsJob, ScoreJob
from zeroshot_vss.jobs.segmenter import SegmenterJob
from zeroshot_vss.jobs.upsample import UpsampleJob
from zeroshot_vss.metrics.protocols import get_protocol
from zeroshot_vss.segmenters.folder import segmenter_digest, weights_of
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.segmenter import Segmenter
from zeroshot_vss.tables.efficiency import EfficiencyJob, EfficiencyRow
from zeroshot_vss.tables.frontier import FrontierJob
from zeroshot_vss.tables.quality import TableJob, TableRow
from zeroshot_vss.tables.sweep import SweepJob, SweepPoint
from zeroshot_vss.tables.used_settings import SettingsColumn, SettingsJob
from zeroshot_vss.workflow.config import Config
from zeroshot_vss.workflow.own_clips import check_own_clip, with_clusters
from zeroshot_vss.workflow.paths import BETWEEN, spell
from zeroshot_vss.workflow.provenance import code_digest

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


def _described(folder: Path) -> dict[str, str]:
    """A folder of predictions and a cheap digest (names and sizes), so that exchanged files are noticed."""
    files = sorted(path for path in folder.rglob("*.png"))
    listing = "".join(f"{path.relative_to(folder)} {path.stat().st_size}\n" for path in files)
    return {"folder": str(folder), "listing": hashlib.sha256(listing.encode()).hexdigest()[:16]}


@dataclass
class Plan:
    """Paths and jobs of a configuration.

    Data and weights are looked at when a row is asked for, so that a target needs its own alone.

    Raises:
        InputError: the settings of a row are wrong; later, data or weights that a row needs are not there.
    """

    config: Config
    results: str = "results"
    _shards: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    _jobs: dict[str, Job] = field(default_factory=dict)
    _prints: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for row in self.all_rows():
            if row.backbone is not None:
                chosen = self.config.method_settings(row.method, row.backbone, row.dataset).context
                if chosen.classifier_options:
                    # Imported here: scikit-learn takes seconds, and most configurations do without options.
                    from zeroshot_vss.method.classifiers import make_classifier

                    make_classifier(chosen.classifier, chosen.classifier_options, 0)

    def all_rows(self) -> list[Row]:
        """Every row of the configuration."""
        rows = [row for table in self.config.tables for row in self.rows(table)]
        rows += [row for sweep in self.config.sweeps for row in self.sweep_rows(sweep)]
        return list(dict.fromkeys([*rows, *self.overview_rows(), *([self.user_row()] if self.config.clips else [])]))

    def row(self, dataset: str, method: str, backbone: str) -> Row:
        """A row; methods without a diffusion model have no backbone."""
        return Row(dataset, method, backbone if self.config.method(method).has_backbone else None)

    def rows(self, table: str) -> list[Row]:
        """The measured rows of a table, by data set, then in the order of its methods.

        Other systems are measured where the configuration has a folder of their predictions, supervised networks on
        the data sets that they are configured for.
        """
        chosen = self.config.tables[table]
        rows = [
            Row(dataset, method, backbone)
            for dataset in chosen.datasets
            for method in chosen.methods
            for backbone in (chosen.backbones if self.config.method(method).has_backbone else (None,))
        ]
        return [row for row in rows if self.measured(row)]

    def measured(self, row: Row) -> bool:
        """Whether the project makes or has the row's label maps."""
        method = self.config.method(row.method)
        if method.segmenter is not None:
            return row.dataset in method.segmenter.datasets
        return method.predictions is None or row.dataset in method.predictions

    def sweep_rows(self, sweep: str) -> list[Row]:
        """The rows of a sweep: by data set, backbone, point."""
        chosen = self.config.sweeps[sweep]
        return [
            self.row(dataset, method, backbone)
            for dataset in chosen.datasets
            for backbone in chosen.backbones
            for method in self.config.points(sweep).values()
        ]

    def user_row(self) -> Row:
        """How the user's own clips are segmented."""
        return self.row(USER_CLIPS, self.config.user_clips.method, self.config.user_clips.backbone)

    def dataset(self, name: str, clips: tuple[str, ...] | None = None) -> DataSetSpec:
        """A configured data set.

        Jobs on `clips` of the user are told of these alone, so that a further clip leaves theirs as they are.
        """
        if name == USER_CLIPS:
            own = self.config.clips.items()
            chosen = {name: clip.told() for name, clip in own if clips is None or name in clips}
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

    def clips(self, dataset: str) -> list[str]:
        """Names of all clips of a data set."""
        return [clip for part in self.shards(dataset).values() for clip in part]

    def maps(self, row: Row) -> list[str]:
        """Manifests of a row's full-resolution label maps."""
        stages = self.stages(row)
        return list(stages.values())[-1] if stages else []

    def predictions(self, row: Row) -> str | None:
        """Folder of the predictions that a row scores; None where the project makes the label maps itself."""
        return (self.config.method(row.method).predictions or {}).get(row.dataset)

    def stages(self, row: Row) -> dict[str, list[str]]:
        """Manifests of each of a row's stages, the label maps last; the jobs behind them become known."""
        if folder := self.predictions(row):
            if not Path(folder).expanduser().is_dir():
                raise InputError(
                    f"methods: {row.method}: predictions: {row.dataset}: there is no folder {folder}; "
                    "name one, or remove the entry for the published figures alone"
                )
            return {}
        baseline = self.config.baseline_settings(row.method)
        if baseline is not None:
            return {"baseline": self._add_baseline(row, baseline)}
        segmenter = self.config.method(row.method).segmenter
        if segmenter is not None:
            return {"segmenter": self._add_segmenter(row, segmenter)}
        assert row.backbone is not None
        settings = self.config.method_settings(row.method, row.backbone, row.dataset)
        if row.dataset != USER_CLIPS:
            return self.method_stages(row.dataset, row.backbone, settings)
        found: dict[str, list[str]] = {}
        for clip in self.shards(USER_CLIPS):
            own = with_clusters(settings, self.config.clips[clip].clusters)
            for stage, paths in self.method_stages(USER_CLIPS, row.backbone, own, only=clip).items():
                found.setdefault(stage, []).extend(paths)
        return found

    def clip_maps(self, clip: str) -> str:
        """Manifest of the label maps of one of the user's clips.

        Raises:
            InputError: there is no such clip, or the method of the user's clips cannot label it.
        """
        check_own_clip(self.config, clip)
        return next(path for path in self.maps(self.user_row()) if Path(path).stem == clip)

    def add(self, folder: str, shard: str, job: Job) -> str:
        """Make a job known; returns its manifest."""
        self._jobs.setdefault(f"{folder}/{shard}", job)
        return f"{folder}/{shard}.json"

    def _add_baseline(self, row: Row, settings: Baseline) -> list[str]:
        folder = f"{self.results}/baselines/{row.dataset}/{spell(settings)}"
        return [
            self.add(folder, shard, BaselineJob(**self.told(row.dataset, shard, clips), settings=settings))
            for shard, clips in self.shards(row.dataset).items()
        ]

    def _add_segmenter(self, row: Row, settings: Segmenter) -> list[str]:
        told = {"method": row.method, "settings": settings, "weights": self._segmenter_print(row.method, settings)}
        folder = f"{self.results}/segmenters/{row.dataset}/{row.method}{BETWEEN}weights={told['weights']}"
        folder += "" if settings.size is None else "{}size={}+{}".format(BETWEEN, *settings.size)
        return [
            self.add(folder, shard, SegmenterJob(**self.told(row.dataset, shard, clips), **told))
            for shard, clips in self.shards(row.dataset).items()
        ]

    def _segmenter_print(self, method: str, settings: Segmenter) -> str:
        name = f"segmenter of {method}"
        if name not in self._prints:
            self._prints[name] = segmenter_digest(weights_of(method, settings))
        return self._prints[name]

    def told(self, dataset: str, shard: str, clips: tuple[str, ...]) -> dict[str, Any]:
        """What every job on the clips of a shard is told; their check becomes known."""
        told = {"dataset": self.dataset(dataset, clips), "clips": clips}
        self.add(f"{self.results}/checked/{dataset}", shard, CheckJob(**told))
        return told

    def model(self, backbone: str, tiny: bool = False) -> dict[str, Any]:
        """What every job that runs a backbone is told; of its tiny decoder those alone that use it."""
        spec = self.config.backbones[backbone].spec(backbone)
        if not tiny:
            spec = spec.model_copy(update={"tiny_decoder": None})
        name = f"{backbone}, tiny decoder" if tiny else backbone
        if name not in self._prints:
            self._prints[name] = fingerprint(spec)
        return {"backbone": spec, "weights": self._prints[name]}

    def method_stages(
        self,
        dataset: str,
        backbone: str,
        settings: MethodSettings,
        assigned: bool = True,
        only: str | None = None,
    ) -> dict[str, list[str]]:
        """Manifests of each stage of a method with these settings; the jobs behind them become known.

        With `assigned` false the clusters stay what they are, without labels from the annotation. `only` is the one
        job that is meant.
        """
        features, matches = settings.stage_features(), settings.stage_correspondence()
        upsampling, model = settings.stage_upsampling(), self.model(backbone)
        stem = f"{dataset}/{backbone}/{spell(features)}"
        context = spell(settings.context) + ("" if assigned else f"{BETWEEN}assigned=no")
        decoding = self.model(backbone, tiny=True) if upsampling.decoder == "tiny" else model
        refined = f"{stem}/{context}/{spell(matches)}"
        found: dict[str, list[str]] = {}

        def add(stage: str, folder: str, shard: str, job: Job) -> None:
            found.setdefault(stage, []).append(self.add(f"{self.results}/{folder}", shard, job))

        for shard, clips in self.shards(dataset).items():
            if only not in (None, shard):
                continue
            told = self.told(dataset, shard, clips)
            add("features", f"features/{stem}", shard, FeaturesJob(**told, **model, settings=features))
            if matches is not None:
                job = CorrespondenceJob(**told, settings=matches, features=features)
                add("correspondences", f"correspondences/{stem}/{spell(matches)}", shard, job)
            coarse = CoarseJob(
                **told, settings=settings.context, features=features, refinement=matches, assigned=assigned
            )
            add("coarse", f"coarse/{refined}", shard, coarse)
            job = UpsampleJob(**told, **decoding, settings=upsampling)
            add("upsample", f"maps/{refined}/{spell(settings.upsampling)}", shard, job)
        return found

    def job(self, path: str) -> str:
        """What the job that writes `<path>.json` is told, as JSON.

        Raises:
            InputError: no row of the configuration needs that file.
        """
        if path not in self._jobs:
            self._look_for(path)
        return self._jobs[path].model_dump_json(exclude={"compute"})

    def _look_for(self, path: str) -> None:
        """Make a job known that is asked for by its own file, not through a row, as submitted jobs ask for theirs.

        Rows whose data or weights are missing are passed over: it may be another's.
        """
        passed: list[InputError] = []
        ways: list[Callable[[], object]] = [
            partial(self.stages, row) for row in self.all_rows() if row.dataset in Path(path).parts
        ]
        if self.config.figures is not None:
            ways.append(partial(Figures, self, self.config.figures))
        for plan in ways:
            try:
                plan()
            except InputError as error:
                passed.append(error)
            if path in self._jobs:
                return
        raise (
            passed[0]
            if passed
            else InputError(f"no row of the configuration needs {path}; see its methods and tables")
        )

    def scores(self, row: Row) -> str:
        """The scores of a row."""
        return f"{self.results}/scores/{row.dataset}/{row.name}.json"

    def score_job(self, dataset: str, name: str) -> str:
        """What the job that writes a row's scores is told, as JSON."""
        configured, spec = self.config.datasets[dataset], self.dataset(dataset)
        legend = open_dataset(spec.kind, spec.options).legend
        protocol = get_protocol(configured.protocol)
        classes = len(legend.names) if legend is not None and protocol.any_classes else None
        clips = tuple(self.clips(dataset))
        told: dict[str, Any] = {"dataset": spec, "clips": clips, "protocol": configured.protocol, "classes": classes}
        folder = self.predictions(self.row_named(dataset, name))
        if folder is not None:
            told |= _described(Path(folder).expanduser())
        job = ScoreJob(**told) if folder is None else PredictionsJob(**told)
        return job.model_dump_json(exclude={"compute"})

    def overlay_job(self, clip: str) -> str:
        """What the job that draws a user's clip is told, as JSON."""
        drawn = self.config.user_clips.model_dump(exclude={"method", "backbone"})
        names = self.config.clips[clip].label_names(clip)
        job = OverlayJob(dataset=self.dataset(USER_CLIPS, (clip,)), clips=(clip,), **drawn, names=names)
        return job.model_dump_json(exclude={"compute"})

    @cached_property
    def figures(self) -> Figures:
        """The figures of the paper, and the jobs behind them.

        Raises:
            InputError: the configuration has none.
        """
        if self.config.figures is None:
            raise InputError("config: figures: there are none; see config/README.md")
        return Figures(self, self.config.figures)

    def overview_rows(self) -> list[Row]:
        """The rows that the overview figure shows."""
        chosen = self.config.overview
        return [self.row(chosen.dataset, method, chosen.backbone) for method in chosen.methods]

    def overview_job(self) -> str:
        """What the job that draws the overview is told, as JSON."""
        chosen = self.config.overview
        clips = self.clips(chosen.dataset)[: chosen.clips]
        titles = tuple(self.config.method(method).title for method in chosen.methods)
        job = OverviewJob(
            dataset=self.dataset(chosen.dataset), clips=tuple(clips), frames=chosen.frames, titles=titles
        )
        return job.model_dump_json(exclude={"compute"})

    def _words(self, row: Row) -> TableRow:
        method = self.config.method(row.method)
        return TableRow(
            method=method.title,
            backbone="" if row.backbone is None else self.config.backbones[row.backbone].title,
            supervision=method.supervision,
            dataset=self.config.datasets[row.dataset].title,
            key=(row.method, row.backbone or "", row.dataset),
        )

    def table_job(self, table: str) -> str:
        """What the job that prints a table is told, as JSON: its rows in words, in the order of their inputs."""
        chosen, rows = self.config.tables[table], self.rows(table)
        words = tuple(map(self._words, rows))
        if chosen.kind == "settings":
            columns = [
                SettingsColumn(title=f"{word.method}, {word.backbone}", stages=tuple(self.stages(row)))
                for row, word in zip(rows, words, strict=True)
            ]
            return SettingsJob(title=chosen.title, columns=tuple(columns)).model_dump_json()
        if chosen.kind in ("efficiency", "frontier"):
            costly = tuple(
                EfficiencyRow(
                    method=word.method,
                    backbone=word.backbone,
                    dataset=word.dataset,
                    stages=tuple((stage, len(paths)) for stage, paths in self.stages(row).items()),
                    key=word.key,
                )
                for row, word in zip(rows, words, strict=True)
            )
            if chosen.kind == "efficiency":
                return EfficiencyJob(title=chosen.title, rows=costly).model_dump_json()
            datasets = {self.config.datasets[name].title: self.dataset(name) for name in chosen.datasets}
            compared = "backbone" if chosen.across == "backbones" else "method"
            return FrontierJob(
                title=chosen.title, rows=costly, compared=compared, datasets=datasets
            ).model_dump_json()
        return TableJob(
            title=chosen.title, across=chosen.across, seconds=chosen.seconds, rows=words
        ).model_dump_json()

    def table_inputs(self, table: str) -> list[str]:
        """What a table is made of: scores, or the manifests of its rows' stages (the first of each for settings)."""
        chosen, rows = self.config.tables[table], self.rows(table)
        if chosen.kind == "quality":
            return [self.scores(row) for row in rows]
        stages = [paths for row in rows for paths in self.stages(row).values()]
        return [paths[0] for paths in stages] if chosen.kind == "settings" else [p for paths in stages for p in paths]

    def published(self, table: str) -> str | None:
        """The paper's figures of a table; None where they are lost."""
        path = Path("config") / "published" / f"{table}.csv"
        return str(path) if path.is_file() else None

    def timed(self, table: str) -> list[list[str]]:
        """For each row the manifests of the stage whose seconds the table shows."""
        stage = self.config.tables[table].seconds
        return [self.stages(row).get(stage, []) for row in self.rows(table)] if stage else []

    def sweep_job(self, sweep: str) -> str:
        """What the job that plots a sweep is told, as JSON: its points in the order of their scores."""
        chosen = self.config.sweeps[sweep]
        labels = list(self.config.points(sweep))
        rows = self.sweep_rows(sweep)
        points = [SweepPoint(label=labels[i % len(labels)], row=self._words(row)) for i, row in enumerate(rows)]
        return SweepJob(
            title=chosen.title, axis=chosen.axis, figures=chosen.figures, points=tuple(points)
        ).model_dump_json()

    def row_named(self, dataset: str, name: str) -> Row:
        """The row behind a file name."""
        method, _, backbone = name.partition("@")
        return Row(dataset, method, backbone or None)

    def code(self) -> Mapping[str, str]:
        """Digest of each stage's code, by the stage's name."""
        return {name: code_digest(f"zeroshot_vss.stages.{name}") for name in STAGES}


STAGES = (
    "check", "features", "correspondences", "coarse", "upsample", "baseline", "segmenter", "score", "predictions",
    "table", "settings_table", "efficiency_table", "frontier", "sweep", "overview", "overlay", "player", "exports",
    "inspect", "figure",
)  # fmt: skip
