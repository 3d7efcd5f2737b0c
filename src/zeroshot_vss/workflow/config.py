"""The configuration: data sets, backbones, methods and tables, as written in config/*.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from reprlib import Repr
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, Field, ValidationError, model_validator

from zeroshot_vss.backbones.spec import BackboneSpec, Precision
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.plan import FiguresConfig
from zeroshot_vss.io.files import check_name
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.settings.base import NonNegative, Settings
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.segmenter import Segmenter
from zeroshot_vss.workflow.own_clips import AnyClip

Overrides = dict[str, Any]
Name = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
"""Names that become file names."""
VARIANT = "~"
"""Stands between a method's name and the point of a sweep: `ours~batch-size=4`."""
_M = TypeVar("_M", bound=BaseModel)


class DataSetConfig(Settings):
    """One data set."""

    kind: str
    """A reader: scenes, vspw, camvid, ..."""
    title: str
    """As printed in tables."""
    protocol: str
    """How it is scored, by name."""
    options: dict[str, Any] = {}
    """The reader's own options: root, split, limit, ..."""
    settings: Overrides = {}
    """Overrides of method settings that these clips need: more clusters, a lower height."""


class BackboneConfig(Settings):
    """One backbone."""

    title: str
    kind: Literal["image", "video"] = "image"
    path: str
    revision: str | None = None
    download: bool = False
    tiny_decoder: str | None = None
    precision: Precision = "auto"
    compile: bool = False
    settings: Overrides = {}
    """Overrides of method settings that this model needs."""
    methods: dict[str, Overrides] = {}
    """The same for single methods, by name."""

    def spec(self, name: str) -> BackboneSpec:
        """What a job needs to load it."""
        return BackboneSpec(name=name, **self.model_dump(exclude={"title", "settings", "methods"}))


class MethodConfig(Settings):
    """One method: overrides of the defaults, a baseline, a supervised network, or another system's predictions."""

    title: str
    supervision: str = "zero-shot"
    protocol: str = "paper"
    """A named set of overrides under `protocols:`, taken first."""
    settings: Overrides = {}
    baseline: Baseline | None = None
    """Set for methods without a diffusion model; `settings` is not used then."""
    segmenter: Segmenter | None = None
    """Set for supervised networks that label each frame alone."""
    predictions: dict[str, str] | None = None
    """Set for other systems: data set to folder of their predictions. Without one only published figures show."""

    @property
    def has_backbone(self) -> bool:
        """Whether the method runs a diffusion model."""
        return self.baseline is None and self.segmenter is None and self.predictions is None


class TableConfig(Settings):
    """One table: every method on every data set, diffusion methods with every backbone."""

    title: str
    kind: Literal["quality", "settings", "efficiency", "frontier"] = "quality"
    """Scores; the settings that really ran (table 3); time, memory and disk (table 4); quality against speed."""
    across: Literal["datasets", "backbones"] = "datasets"
    """What the paper's layout of a quality table has across. A frontier with `backbones` compares each method's
    backbones with the first of them, otherwise each backbone's methods."""
    seconds: Literal["features", "correspondences", "coarse", "upsample"] | None = None
    """A stage whose seconds a clip are a further column of a quality table."""
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    methods: tuple[str, ...]


class SweepConfig(Settings):
    """A method with one setting at several values: a table of its own, and a plot."""

    title: str
    axis: str
    """Of the plot: what varies."""
    method: str
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    parameter: str | None = None
    """Dotted name of the setting, and its values; or `variants`."""
    values: tuple[float | int | str | bool | None, ...] = ()
    variants: dict[str, Overrides] = {}
    """Label to overrides, where several settings change together."""
    figures: tuple[str, ...] = ("miou", "mvc8")
    """Figures that are plotted, by their keys in the scores."""

    @model_validator(mode="after")
    def _whole(self) -> SweepConfig:
        if bool(self.variants) == (self.parameter is not None) or bool(self.values) != (self.parameter is not None):
            raise ValueError("a sweep has either a parameter with values, or variants")
        return self

    def overrides(self) -> dict[str, Overrides]:
        """Label of each point to the overrides that make it."""
        if self.parameter is None:
            return self.variants
        return {_label(value): _nested(self.parameter, value) for value in self.values}


def _label(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _nested(dotted: str, value: Any) -> Overrides:
    for part in reversed(dotted.split(".")):
        value = {part: value}
    return value


class FigureConfig(Settings):
    """The overview figure."""

    dataset: str
    backbone: str
    clips: NonNegative = 3
    frames: tuple[NonNegative, ...] = (0, 9, 18, 27)
    methods: tuple[str, ...]


class ClipsConfig(Settings):
    """How a user's own clips are segmented."""

    method: str
    backbone: str
    fps: float | None = Field(default=None, gt=0)
    """Of the overlay video; by default that of the video file, 15 for a folder."""
    opacity: float = Field(default=0.45, ge=0, le=1)
    outlines: bool = True
    legend: bool = True
    side_by_side: bool = False
    """The plain frame beside the drawn one."""


class Config(Settings):
    """The whole configuration."""

    seed: NonNegative
    """Of all random numbers: K-Means, noise, classifiers."""
    compute: Compute = Compute()
    datasets: dict[str, DataSetConfig]
    backbones: dict[str, BackboneConfig]
    protocols: dict[str, Overrides]
    methods: dict[str, MethodConfig]
    tables: dict[Name, TableConfig]
    sweeps: dict[Name, SweepConfig] = {}
    overview: FigureConfig
    figures: FiguresConfig | None = None
    """The figures of the paper; None for none."""
    clips: dict[str, AnyClip] = {}
    """A name and a path, to a video file or a folder of frames; or a path, a mask and names."""
    user_clips: ClipsConfig

    @model_validator(mode="after")
    def _names_exist(self) -> Config:
        for table, config in self.tables.items():
            _all_known(f"tables.{table}.datasets", config.datasets, self.datasets)
            _all_known(f"tables.{table}.backbones", config.backbones, self.backbones)
            _all_known(f"tables.{table}.methods", config.methods, self.methods)
        for name, sweep in self.sweeps.items():
            _all_known(f"sweeps.{name}.method", [sweep.method], self.methods)
            _all_known(f"sweeps.{name}.datasets", sweep.datasets, self.datasets)
            _all_known(f"sweeps.{name}.backbones", sweep.backbones, self.backbones)
        for name, method in self.methods.items():
            _all_known(f"methods.{name}.predictions", method.predictions or (), self.datasets)
            named = method.segmenter.datasets if method.segmenter else ()
            _all_known(f"methods.{name}.segmenter.datasets", named, self.datasets)
        _all_known("overview.dataset", [self.overview.dataset], self.datasets)
        _all_known("overview.backbone", [self.overview.backbone], self.backbones)
        _all_known("overview.methods", self.overview.methods, self.methods)
        if self.figures is not None:
            _all_known("figures.backbones", self.figures.backbones, self.backbones)
            _all_known("figures: methods", self.figures.named_methods(), self.methods)
            _all_known("figures: data sets", self.figures.named_datasets(), self.datasets)
        for where, names in (
            ("clips", self.clips), ("datasets", self.datasets), ("backbones", self.backbones),
            ("methods", self.methods), *((f"sweeps.{n}", s.overrides()) for n, s in self.sweeps.items()),
        ):  # fmt: skip
            # They become parts of paths, and wildcards, which Snakemake splits at commas in the jobs that it submits.
            for key in names:
                check_name(key, where, neither="," + VARIANT)
        _all_known("user_clips.method", [self.user_clips.method], self.methods)
        _all_known("user_clips.backbone", [self.user_clips.backbone], self.backbones)
        for name, method in self.methods.items():
            _all_known(f"methods.{name}.protocol", [method.protocol], self.protocols)
        return self

    def method_settings(self, method: str, backbone: str, dataset: str | None = None) -> MethodSettings:
        """Settings of a diffusion method with a backbone on a data set.

        Laid upon each other: defaults, the protocol, the backbone's, the data set's, the method's, the backbone's for
        that method, the point of a sweep.

        Raises:
            InputError: the overrides hold an unknown key, a wrong type or values that do not fit each other.
        """
        base, varied = self._variant(method)
        chosen, model = self.methods[base], self.backbones[backbone]
        merged: Overrides = MethodSettings().model_dump()
        layers = (
            {"sampling": {"seed": self.seed}, "context": {"seed": self.seed}},
            self.protocols[chosen.protocol],
            model.settings,
            self.datasets[dataset].settings if dataset in self.datasets else {},
            chosen.settings,
            model.methods.get(base, {}),
            varied,
        )
        for layer in layers:
            merged = merge(merged, layer)
        return validated(
            MethodSettings,
            merged,
            f"methods: {method} with backbone {backbone}" + (f" on {dataset}" if dataset in self.datasets else ""),
        )

    def _variant(self, method: str) -> tuple[str, Overrides]:
        """The method behind a point of a sweep, and what the point changes."""
        base, _, point = method.partition(VARIANT)
        sweep, _, label = point.partition("=")
        return base, self.sweeps[sweep].overrides()[label] if point else {}

    def method(self, name: str) -> MethodConfig:
        """A method, or that behind a point of a sweep."""
        return self.methods[self._variant(name)[0]]

    def points(self, sweep: str) -> dict[str, str]:
        """Label of each point of a sweep to the name of its method."""
        chosen = self.sweeps[sweep]
        return {label: f"{chosen.method}{VARIANT}{sweep}={label}" for label in chosen.overrides()}

    def baseline_settings(self, method: str) -> Baseline | None:
        """Settings of a method without a diffusion model; None for the others."""
        baseline = self.method(method).baseline
        return None if baseline is None else baseline.model_copy(update={"seed": self.seed})


def _all_known(where: str, names: Any, known: Mapping[str, object]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(f"{where}: {name!r} is not defined; known: {', '.join(known)}")


def merge(base: Overrides, over: Mapping[str, Any]) -> Overrides:
    """`over` laid upon `base`: mappings are merged key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


_SHORT = Repr()
"""Values in messages: a few lines of YAML can stand for thousands of millions."""
_SHORT.maxlevel, _SHORT.maxdict, _SHORT.maxlist, _SHORT.maxstring, _SHORT.maxother = 3, 8, 8, 200, 200


def validated(model: type[_M], values: object, where: str) -> _M:
    """`values` as a model.

    Raises:
        InputError: naming each wrong key and value.
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        faults = []
        for fault in error.errors():
            key = ".".join(str(part) for part in fault["loc"])
            what = "unknown key" if fault["type"] == "extra_forbidden" else fault["msg"]
            shown = "" if fault["type"] in ("missing", "value_error") else f" (got {_SHORT.repr(fault['input'])})"
            faults.append(f"{key}: {what}{shown}" if key else what)
        raise InputError(f"{where}: {'; '.join(faults)}") from error


def read_config(values: Mapping[str, Any]) -> Config:
    """The configuration from what the YAML files hold.

    Raises:
        InputError: naming each wrong key and value.
    """
    return validated(Config, dict(values), "config")
