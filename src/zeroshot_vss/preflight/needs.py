"""Which rows can run, and the disk and the time that they need.

Rows share stages: a result that several need is counted once. Time is taken from the costs that finished runs left
beside their results; else shipped figures of the embedded models, and the paper's own of its two, stand in.
"""

from __future__ import annotations

import csv
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from zeroshot_vss.backbones.geometry import SD21, SVD
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import read_cost
from zeroshot_vss.io.store import open_clip
from zeroshot_vss.io.weights import is_fetched
from zeroshot_vss.jobs.base import Parts
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.preflight.data import DataSetStatus
from zeroshot_vss.preflight.models import BackboneStatus
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.workflow.paths import BETWEEN
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import Row, is_measured, make_row, overview_rows, sweep_rows, table_rows, user_row

PAPER_SECONDS = {SD21: 1 / 0.41, SVD: 5 * 60 / 14}
"""Seconds a frame on an A100, all stages of the method together: 0.41 frames a second with SD 2.1; five minutes for
a batch of 14 with SVD."""
RATES_FILE = Path(__file__).with_name("rates.csv")
"""Seconds a frame of the embedded models' stages and of baselines, at a size; from `python -m benchmarks.rates`."""
SAMPLE = 16
"""Clips of a folder whose costs are read."""
MODULATION = "upsampler=modulation"

Source = Literal["measured", "paper", "shipped"]
"""Where a time is known from."""
Rates = Mapping[tuple[str, str], float]
"""Backbone (or baseline) and stage to seconds for each pixel of each frame."""


@dataclass(frozen=True)
class Stage:
    """A stage of a row on a data set: what its results take."""

    kind: str
    """`features`, `coarse`, ...; of label maps also the upsampler."""
    worker: str
    """Name of the backbone, or the baseline's settings."""
    frames: int
    pixels: int
    """Of all its frames."""
    features: int = 0
    """Bytes on the disk."""
    maps: int = 0
    """Bytes of the label maps, unpacked."""


@dataclass(frozen=True)
class Time:
    """Seconds, as far as they are known."""

    seconds: float = 0.0
    sources: frozenset[Source] = frozenset()
    unknown: bool = False
    """Whether some stage is not in it."""


@dataclass(frozen=True)
class Needs:
    """What the results of some rows take together."""

    features: int
    maps: int
    time: Time


@dataclass(frozen=True)
class Group:
    """A table, a sweep or another target, with its rows."""

    kind: str
    name: str
    rows: Sequence[Row]


def groups_of(plan: Plan) -> list[Group]:
    """All targets of the configuration that have rows."""
    config = plan.config
    groups = [Group("table", name, table_rows(config, name)) for name in config.tables]
    groups += [Group("sweep", name, sweep_rows(config, name)) for name in config.sweeps]
    groups.append(Group("figure", "overview", overview_rows(config)))
    if (figures := config.figures) is not None:
        rows = [
            make_row(config, dataset, method, backbone)
            for dataset in figures.named_datasets()
            for method in figures.named_methods()
            for backbone in figures.backbones
        ]
        groups.append(
            Group("figures", "of the paper", [row for row in dict.fromkeys(rows) if is_measured(config, row)])
        )
    return [*groups, *([Group("clips", "your own", [user_row(config)])] if config.clips else [])]


@dataclass
class Availability:
    """What was found, and what can be said of rows."""

    plan: Plan
    datasets: Mapping[str, DataSetStatus]
    backbones: Mapping[str, BackboneStatus]
    _obstacles: dict[Row, tuple[str, ...]] = field(default_factory=dict)
    _stages: dict[Row, dict[str, Stage] | None] = field(default_factory=dict)

    def obstacles(self, row: Row) -> tuple[str, ...]:
        """All that is known to be in a row's way."""
        if row not in self._obstacles:
            missing = [self.datasets[row.dataset].missing, self._own_obstacle(row)]
            self._obstacles[row] = tuple(reason for reason in missing if reason)
        return self._obstacles[row]

    def _own_obstacle(self, row: Row) -> str | None:
        """What is in its way beside its data."""
        data = self.datasets[row.dataset]
        if row.backbone is None:
            return None if data.missing or self._fetches(row) else self._fault(row)
        backbone = self.backbones[row.backbone]
        if backbone.missing or backbone.geometry is None:
            return backbone.missing
        settings = self._settings(row)
        used = [(row.backbone, backbone.geometry, settings.sampling, settings.features.blocks)]
        last = self.plan.config.upsampling_settings(row.method, row.backbone, row.dataset)
        if last.upsampling.modulation:
            by = self.plan.config.upsampling_backbone(row.backbone)
            upsampling = self.backbones[by]
            if upsampling.missing or upsampling.geometry is None:
                return upsampling.missing
            if reason := upsampling.spec.unmodulated:
                return f"backbone '{by}': {reason}"
            used.append((by, upsampling.geometry, last.sampling, (last.upsampling.modulation.block,)))
        for size in data.sizes:
            for name, geometry, sampling, blocks in used:
                if fault := geometry.misfit(size, sampling, blocks):
                    return f"backbone '{name}' on data set '{row.dataset}': {fault}"
        return None

    def _fetches(self, row: Row) -> bool:
        """Whether the first job would fetch the weights of a supervised network; nothing is fetched here."""
        segmenter = self.plan.config.method(row.method).segmenter
        return segmenter is not None and is_fetched(segmenter.path, segmenter.download)

    def _fault(self, row: Row) -> str | None:
        try:
            self.plan.stages.of_row(row)
        except InputError as error:
            return str(error)
        return None

    def _settings(self, row: Row) -> MethodSettings:
        assert row.backbone is not None
        return self.plan.config.method_settings(row.method, row.backbone, row.dataset)

    def stages(self, row: Row) -> dict[str, Stage] | None:
        """Folder of each stage's results to what it takes; None where the backbone is still to be fetched."""
        if row not in self._stages:
            self._stages[row] = self._row_stages(row)
        return self._stages[row]

    def _row_stages(self, row: Row) -> dict[str, Stage] | None:
        data = self.datasets[row.dataset]
        pixels = [(clip, clip.size[0] * clip.size[1]) for clip in data.clips]
        whole = sum(clip.frames * area for clip, area in pixels)
        mapped = sum(clip.mapped * area for clip, area in pixels)
        if row.backbone is None:
            if self._fetches(row):
                return None
            folders, asked = _folders(self.plan.stages.of_row(row)), sum(clip.mapped for clip in data.clips)
            return {str(path): Stage("maps", path.name, asked, mapped, maps=mapped) for path in folders.values()}
        backbone = self.backbones[row.backbone]
        if backbone.geometry is None:
            return None
        settings = self._settings(row).stage_features()
        stages: dict[str, Stage] = {}
        for stage, path in _folders(self.plan.stages.of_row(row)).items():
            if stage == "upsample":
                asked = sum(clip.mapped for clip in data.clips)
                config, kind = self.plan.config, kind_of(stage, path)
                by_model = kind == f"maps, {MODULATION}"
                worker = config.upsampling_backbone(row.backbone) if by_model else row.backbone
                stages[str(path)] = Stage(kind, worker, asked, mapped, maps=mapped)
            else:
                disk = _feature_bytes(backbone, data, settings) if stage == "features" else 0
                stages[str(path)] = Stage(kind_of(stage, path), row.backbone, data.frames, whole, features=disk)
        return stages

    def needs(self, rows: Iterable[Row], rates: Rates) -> Needs:
        """Of the rows that can run, each shared result once."""
        stages: dict[str, Stage] = {}
        fetched = False
        for row in rows:
            if not self.obstacles(row):
                row_stages = self.stages(row)
                fetched |= row_stages is None
                stages |= row_stages or {}
        time = sum_time(stages.values(), rates, self._papers(), self._shipped())
        return Needs(
            sum(stage.features for stage in stages.values()),
            sum(stage.maps for stage in stages.values()),
            Time(time.seconds, time.sources, time.unknown or fetched),
        )

    def _papers(self) -> dict[str, float]:
        """Seconds a frame of the backbones that the paper timed."""
        known = {name: backbone.geometry.identity for name, backbone in self.backbones.items() if backbone.geometry}
        return {name: PAPER_SECONDS[identity] for name, identity in known.items() if identity in PAPER_SECONDS}

    def _shipped(self) -> Rates:
        """Shipped figures, of models by the name of their folder."""
        folders = {Path(found.spec.path).name: name for name, found in self.backbones.items()}
        return {(folders.get(worker, worker), kind): rate for (worker, kind), rate in shipped_rates().items()}


@cache
def shipped_rates() -> Rates:
    """Seconds a pixel and frame of each stage, on two CPU cores; baselines by `kind=...`."""
    with RATES_FILE.open(newline="") as file:
        return {
            (line["worker"], line["stage"]): float(line["seconds"]) / (int(line["height"]) * int(line["width"]))
            for line in csv.DictReader(file)
        }


def _folders(stages: Mapping[str, Parts]) -> dict[str, Path]:
    return {stage: Path(parts.folder) for stage, parts in stages.items()}


def kind_of(stage: str, folder: Path) -> str:
    """What of a stage is timed by itself: each upsampler, and label propagation, as they differ most."""
    if stage == "upsample":
        return f"maps, {folder.name.split(BETWEEN)[0]}"
    return f"{stage}, propagation" if stage == "coarse" and f"{BETWEEN}temperature=" in str(folder) else stage


def worker_of(folder: Path, backbone: str) -> str:
    """The backbone that made label maps in a folder: another one where its name says so (very long ones do not)."""
    return next((part[3:] for part in folder.name.split(BETWEEN) if part.startswith("by=")), backbone)


def _feature_bytes(backbone: BackboneStatus, data: DataSetStatus, settings: Features) -> int:
    assert backbone.geometry is not None
    kinds = Counter((clip.frames, clip.size) for clip in data.clips)
    return sum(
        count
        * len(rows_of_clip(frames, settings.sampling))
        * backbone.geometry.row_bytes(size, settings.sampling, settings.blocks)
        for (frames, size), count in kinds.items()
    )


def sum_time(
    stages: Iterable[Stage], rates: Rates, papers: Mapping[str, float], shipped: Rates = MappingProxyType({})
) -> Time:
    """Seconds of some stages: as measured; else as shipped, or the paper's for modulated maps and all before them."""
    seconds, sources, unknown = 0.0, set[Source](), False
    for stage in stages:
        source: Source = "measured"
        rate = rates.get((stage.worker, stage.kind))
        if rate is None:
            source, rate = "shipped", shipped.get((stage.worker.partition(BETWEEN)[0], stage.kind))
        by_paper = stage.worker in papers and (stage.worker, f"maps, {MODULATION}") not in rates
        if rate is not None and not by_paper:
            seconds += rate * stage.pixels
            sources.add(source)
        elif by_paper:
            # The paper timed the method as a whole, whose last stage stands for it here.
            if stage.kind == f"maps, {MODULATION}":
                seconds += papers[stage.worker] * stage.frames
                sources.add("paper")
        else:
            unknown = True
    return Time(seconds, frozenset(sources), unknown or (not sources and not seconds))


def measured_rates(results: Path, datasets: Mapping[str, DataSetStatus]) -> dict[tuple[str, str], float]:
    """Seconds a pixel and frame of each backbone's stages, over clips whose cost a finished run left behind."""
    total: defaultdict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for folder in ("features", "correspondences", "coarse", "maps", "baselines", "segmenters"):
        for path in _some(results / folder, ".cost.json"):
            place, worker = path.relative_to(results / folder).parts[:2]
            dataset = place.partition(BETWEEN)[0]
            clips = {clip.name: clip for clip in datasets[dataset].clips} if dataset in datasets else {}
            clip = clips.get(path.name.removesuffix(".cost.json"))
            if clip is not None:
                stage = {"maps": "upsample", "baselines": "maps", "segmenters": "maps"}.get(folder, folder)
                kind = kind_of(stage, path.parent)
                worker = worker_of(path.parent, worker)
                frames = clip.mapped if kind.startswith("maps") else clip.frames
                sums = total[worker, kind]
                sums[0] += read_cost(path).seconds
                sums[1] += frames * clip.size[0] * clip.size[1]
    return {key: seconds / pixels for key, (seconds, pixels) in total.items() if pixels}


def packed_share(results: Path) -> float | None:
    """How small packing made the label maps that are there: bytes on the disk to pixels; None without any."""
    stored = pixels = 0
    for folder in ("maps", "baselines", "segmenters"):
        for path in _some(results / folder, ".h5"):
            with open_clip(path) as file:
                stored, pixels = stored + path.stat().st_size, pixels + int(np.prod(file["maps"].shape))
    return stored / pixels if pixels else None


def _some(root: Path, ending: str) -> Iterator[Path]:
    """The first files of each folder below `root`: enough for a mean, and quick where there are hundreds of clips."""
    for folder, _, names in os.walk(root):
        matches = sorted(name for name in names if name.endswith(ending) and not name.startswith("."))
        yield from (Path(folder, name) for name in matches[:SAMPLE])
