"""The whole configuration, as written in config/*.yaml."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import model_validator

from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.config.backbones import BackboneConfig, check_upsampled_by
from zeroshot_vss.config.backbones import inherited as inherited_backbones
from zeroshot_vss.config.clips import ClipsConfig
from zeroshot_vss.config.datasets import DataSetConfig
from zeroshot_vss.config.figures import FiguresConfig, OverviewConfig
from zeroshot_vss.config.methods import MethodConfig
from zeroshot_vss.config.names import VARIANT, Name, all_known
from zeroshot_vss.config.overrides import SINGLE, MethodOverrides, Overrides, merge
from zeroshot_vss.config.own_clip import AnyClip
from zeroshot_vss.config.sweeps import ScopeConfig, SweepConfig, inherited
from zeroshot_vss.config.tables import TableConfig
from zeroshot_vss.config.validation import validated
from zeroshot_vss.io.files import check_name
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.settings.base import Seed, Settings
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.upsampling import MethodUpsampling

_INTERPOLATED = MethodUpsampling(upsampler="bilinear", modulation=None, filter=None).model_dump()


class Config(Settings):
    """The whole configuration."""

    seed: Seed
    """Of all random numbers: noise, K-Means, classifiers."""
    compute: Compute = Compute()
    """How to compute; nothing here changes results, but for the last bits of features."""
    rerun: tuple[Literal["versions"], ...] = ()
    """What else makes results be done again: `versions`, those of torch, diffusers, scikit-learn and the others."""
    datasets: dict[str, DataSetConfig]
    """Data sets, by name."""
    backbones: dict[str, BackboneConfig]
    """Backbones, by name."""
    protocols: dict[str, MethodOverrides]
    """Named sets of overrides, of which each method takes one first: the equations, or the released code."""
    methods: dict[str, MethodConfig]
    """Methods, by name."""
    tables: dict[Name, TableConfig]
    """Tables, by name: `results/<name>.csv`, `.md`, `.tex`."""
    sweep_scopes: dict[Name, ScopeConfig] = {}
    """What sweeps run on: data sets and backbones, by the name that a sweep gives as its `scope`."""
    sweeps: dict[Name, SweepConfig] = {}
    """Sweeps, by name: `results/sweeps/<name>.csv`, `.png`, `.pdf`."""
    overview: OverviewConfig
    """The picture of the main table, `results/figures/overview.png`."""
    figures: FiguresConfig | None = None
    """The figures of the paper ([docs/figures.md](../docs/figures.md)); null for none."""
    clips: dict[str, AnyClip] = {}
    """A name and a path, to a video file or a folder of frames; or a path, a mask and names."""
    user_clips: ClipsConfig
    """How your own clips are segmented."""

    @model_validator(mode="before")
    @classmethod
    def _inherit(cls, values: Any) -> Any:
        """Backbones have the entries of what they are like, sweeps the data sets and backbones of their scope."""
        if not isinstance(values, dict):
            return values
        values = {**values, "backbones": inherited_backbones(values.get("backbones"))}
        scopes, sweeps = values.get("sweep_scopes"), values.get("sweeps")
        if not isinstance(scopes, dict) or not isinstance(sweeps, dict):
            return values
        return {**values, "sweeps": {name: inherited(name, sweep, scopes) for name, sweep in sweeps.items()}}

    @model_validator(mode="after")
    def _names_exist(self) -> Config:
        for table, config in self.tables.items():
            all_known(f"tables.{table}.datasets", config.datasets, self.datasets)
            all_known(f"tables.{table}.backbones", config.backbones, self.backbones)
            all_known(f"tables.{table}.methods", config.methods, self.methods)
        for name, scope in self.sweep_scopes.items():
            all_known(f"sweep_scopes.{name}.datasets", scope.datasets, self.datasets)
            all_known(f"sweep_scopes.{name}.backbones", scope.backbones, self.backbones)
        for name, sweep in self.sweeps.items():
            all_known(f"sweeps.{name}.method", [sweep.method], self.methods)
            all_known(f"sweeps.{name}.datasets", sweep.datasets, self.datasets)
            all_known(f"sweeps.{name}.backbones", sweep.backbones, self.backbones)
        for name, method in self.methods.items():
            all_known(f"methods.{name}.predictions", method.predictions or (), self.datasets)
            named = method.segmenter.datasets if method.segmenter else ()
            all_known(f"methods.{name}.segmenter.datasets", named, self.datasets)
        check_upsampled_by(self.backbones)
        all_known("overview.dataset", [self.overview.dataset], self.datasets)
        all_known("overview.backbone", [self.overview.backbone], self.backbones)
        all_known("overview.methods", self.overview.methods, self.methods)
        if self.figures is not None:
            all_known("figures.backbones", self.figures.backbones, self.backbones)
            all_known("figures: methods", self.figures.named_methods(), self.methods)
            all_known("figures: data sets", self.figures.named_datasets(), self.datasets)
        for where, names in (
            ("clips", self.clips), ("datasets", self.datasets), ("backbones", self.backbones),
            ("methods", self.methods), *((f"sweeps.{n}", s.overrides()) for n, s in self.sweeps.items()),
        ):  # fmt: skip
            # They become parts of paths, and wildcards, which Snakemake splits at commas in the jobs that it submits.
            # Braces, `@` and parentheses mean something to Snakemake or in names of rows.
            for key in names:
                check_name(key, where, neither=",{}@()\n\r\t" + VARIANT)
        if costly := [name for name in self.clips if name.endswith(".cost")]:
            raise ValueError(f"clips: '{costly[0]}' cannot be a name; what clips cost is kept in files that end so")
        all_known("user_clips.method", [self.user_clips.method], self.methods)
        all_known("user_clips.backbone", [self.user_clips.backbone], self.backbones)
        for name, method in self.methods.items():
            all_known(f"methods.{name}.protocol", [method.protocol], self.protocols)
        return self

    def upsampling_backbone(self, backbone: str) -> str:
        """The backbone that takes coarse maps of `backbone` to full resolution: itself, or its `upsampled_by`."""
        return self.backbones[backbone].upsampled_by or backbone

    def method_settings(self, method: str, backbone: str, dataset: str | None = None) -> MethodSettings:
        """Settings of a diffusion method with a backbone on a data set.

        Laid upon each other: defaults, the protocol, its kind's, the backbone's, the data set's, the method's, the
        backbone's for that method, the point of a sweep. A backbone with `upsampled_by` has that one's upsampling.

        Raises:
            InputError: the overrides hold an unknown key, a wrong type or values that do not fit each other.
        """
        merged = self._merged(method, backbone, dataset)
        if self.backbones[backbone].upsampled_by is None:
            return self._validated(merged, method, backbone, dataset)
        merged["upsampling"] = _INTERPOLATED  # the other's modulation need not fit this one's steps
        own = self._validated(merged, method, backbone, dataset)
        return own.model_copy(update={"upsampling": self.upsampling_settings(method, backbone, dataset).upsampling})

    def upsampling_settings(self, method: str, backbone: str, dataset: str | None = None) -> MethodSettings:
        """The same of the backbone that takes coarse maps of `backbone` to full resolution.

        Raises:
            InputError: as :meth:`method_settings`.
        """
        other = self.backbones[backbone].upsampled_by
        if other is None:
            return self.method_settings(method, backbone, dataset)
        merged: Any = self._merged(method, other, dataset)
        # It makes no coarse maps, and has perhaps not the blocks that the method takes of `backbone`.
        merged["refinement"] = None
        merged["context"]["blocks"] = merged["features"]["blocks"]
        return self._validated(merged, method, other, dataset)

    def _merged(self, method: str, backbone: str, dataset: str | None) -> Overrides:
        base, varied = self._variant(method)
        chosen, model = self.methods[base], self.backbones[backbone]
        merged: Overrides = MethodSettings().model_dump()
        layers = (
            {"sampling": {"seed": self.seed}, "context": {"seed": self.seed}},
            self.protocols[chosen.protocol],
            BACKBONES.load(model.kind).settings,
            model.settings,
            self.datasets[dataset].settings if dataset in self.datasets else {},
            chosen.settings,
            model.methods.get(base, {}),
            varied,
        )
        for layer in layers:
            merged = merge(merged, layer)
        if isinstance(merged["context"], dict) and merged["context"].get("blocks") == SINGLE:
            merged["context"]["blocks"] = (model.single_block,)
        return merged

    def _validated(self, merged: Overrides, method: str, backbone: str, dataset: str | None) -> MethodSettings:
        where = f"methods: {method} with backbone {backbone}" + (f" on {dataset}" if dataset in self.datasets else "")
        return validated(MethodSettings, merged, where)

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
