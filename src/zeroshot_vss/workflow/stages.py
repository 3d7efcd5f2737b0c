"""The stages of a row: which jobs make its label maps, and where they put them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.classifiers import CLASSIFIERS
from zeroshot_vss.config import Config
from zeroshot_vss.config.own_clip import with_clusters
from zeroshot_vss.datasets import DATASETS, DataSet, open_dataset, options_of
from zeroshot_vss.entries.index import check_purpose, read_index
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.places import full_path
from zeroshot_vss.jobs import JOBS
from zeroshot_vss.jobs.adapt import AdaptJob
from zeroshot_vss.jobs.base import DataSetSpec, Job, Parts
from zeroshot_vss.jobs.baseline import BaselineJob
from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.jobs.correspondences import CorrespondenceJob
from zeroshot_vss.jobs.features import FeaturesJob
from zeroshot_vss.jobs.segmenter import SegmenterJob
from zeroshot_vss.jobs.upsample import UpsampleJob
from zeroshot_vss.provenance.code import code_digest
from zeroshot_vss.provenance.versions import library_versions
from zeroshot_vss.segmenters.folder import segmenter_digest, weights_of
from zeroshot_vss.settings.adaptation import Adaptation
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.segmenter import Segmenter
from zeroshot_vss.training.base_model import check_adaptable
from zeroshot_vss.upsamplers import UPSAMPLERS
from zeroshot_vss.upsamplers.hub import hub_digest
from zeroshot_vss.workflow.entries import purpose_of
from zeroshot_vss.workflow.paths import BETWEEN, expanded, folder_name, shortened, value_name
from zeroshot_vss.workflow.rows import USER_CLIPS, Row

_J = TypeVar("_J", bound=Job)


@dataclass
class Stages:
    """Jobs of the stages, and the data and weights that they need.

    Data and weights are looked at when a row is asked for, so that a target needs its own alone.

    Args:
        config: the configuration.
        results: folder of the results.
        home: folder of the workflow, where models are looked for that the working directory does not have.

    Attributes:
        jobs: every job that is known so far, by each file that it writes.
    """

    config: Config
    results: str = "results"
    home: Path = field(default_factory=Path)
    jobs: dict[str, Job] = field(default_factory=dict)
    _datasets: dict[str, DataSet] = field(default_factory=dict)
    _parts: dict[str, dict[str, tuple[str, ...]]] = field(default_factory=dict)
    _weights: dict[str, str] = field(default_factory=dict)
    _networks: dict[str, tuple[str, ...]] = field(default_factory=dict)

    # Jobs

    def add(self, kind: type[_J], *chosen: str, **values: Any) -> _J:
        """Make a job known.

        Args:
            kind: of the job.
            chosen: modules that the job's settings name, whose code belongs to it.
            values: of its fields.

        Raises:
            ValueError: another job writes one of its files (a mistake: settings that paths do not tell apart).
        """
        modules = (f"zeroshot_vss.stages.{kind.stage}", JOBS.module(kind.stage), *chosen)
        versions = library_versions() if "versions" in self.config.rerun else None
        job = kind(modules=modules, code=code_digest(*modules), versions=versions, **values)
        for path in job.outputs():
            if (other := self.jobs.setdefault(path, job)) != job:
                raise ValueError(f"two jobs write {path}: {other.model_dump_json()} and {job.model_dump_json()}")
        return self.jobs[job.outputs()[0]]  # pyright: ignore[reportReturnType]

    # Data

    def dataset(self, name: str) -> DataSetSpec:
        """A configured data set with all of its options."""
        if name == USER_CLIPS:
            return DataSetSpec(name=name, kind="user", options={"clips": self._clip_specs(self.config.clips)})
        configured = self.config.datasets[name]
        options = {key: expanded(value, name, key) for key, value in configured.options.items()}
        return DataSetSpec(name=name, kind=configured.kind, options=options)

    def job_dataset(self, name: str, clips: Iterable[str]) -> DataSetSpec:
        """The same for a job on some clips, which knows nothing of how they were chosen."""
        spec = self.dataset(name)
        if name == USER_CLIPS:
            return spec.model_copy(update={"options": {"clips": self._clip_specs(clips)}})
        return spec.model_copy(update={"options": options_of(spec.kind, spec.options).job_options()})

    def _clip_specs(self, clips: Iterable[str]) -> dict[str, Any]:
        return {clip: self.config.clips[clip].spec() for clip in clips}

    def place(self, name: str) -> str:
        """The folder of a data set's results: options that change what its clips are, are part of its name."""
        spec = self.dataset(name)
        identity = options_of(spec.kind, spec.options).identity()
        return shortened(BETWEEN.join([name, *(f"{key}={value_name(value)}" for key, value in identity.items())]))

    def opened(self, name: str) -> DataSet:
        """A configured data set, opened once."""
        if name not in self._datasets:
            spec = self.dataset(name)
            self._datasets[name] = open_dataset(spec.kind, spec.options)
        return self._datasets[name]

    def parts(self, dataset: str) -> dict[str, tuple[str, ...]]:
        """Clips of each job on a data set, by the job's name. Each clip of the user is a job of its own.

        Which job a clip belongs to depends on its place among all that the data set has, so that jobs stay what they
        are where other clips are left out.
        """
        if dataset not in self._parts:
            data = self.opened(dataset)
            if not (clips := data.clips()):
                raise InputError(f"data set '{dataset}' has no clips")
            size = self.config.compute.clips_per_job
            clips_of_parts: dict[str, tuple[str, ...]] = {}
            for clip in clips:
                part = clip if dataset == USER_CLIPS else f"{data.position(clip) // size:04d}"
                clips_of_parts[part] = (*clips_of_parts.get(part, ()), clip)
            self._parts[dataset] = clips_of_parts
        return self._parts[dataset]

    def clips(self, dataset: str) -> list[str]:
        """Names of all clips of a data set, in its order."""
        self.parts(dataset)
        return self.opened(dataset).clips()

    def part_of(self, dataset: str, clip: str) -> str:
        """Name of the job that a clip belongs to."""
        return next(part for part, clips in self.parts(dataset).items() if clip in clips)

    def check(self, dataset: str, part: str) -> CheckJob:
        """The job that reads the clips of a part."""
        stem = f"{self.results}/checked/{self.place(dataset)}/{part}"
        if (known := self.jobs.get(f"{stem}.frames.json")) is not None:
            assert isinstance(known, CheckJob)
            return known
        return self.add(
            CheckJob, self.reader(dataset), **self._on(dataset, self.parts(dataset)[part]),
            frames=f"{stem}.frames.json", masks=f"{stem}.masks.json",
        )  # fmt: skip

    def checked(self, dataset: str) -> tuple[Parts, Parts]:
        """Manifests of the checked frames and annotations of a data set."""
        names = [f"{part}.{{}}" for part in self.parts(dataset)]
        for part in self.parts(dataset):
            self.check(dataset, part)
        frames, masks = (
            Parts(
                folder=f"{self.results}/checked/{self.place(dataset)}",
                parts=tuple(name.format(kind) for name in names),
            )
            for kind in ("frames", "masks")
        )
        return frames, masks

    def reader(self, dataset: str) -> str:
        """The module that reads a data set."""
        return DATASETS.module("user" if dataset == USER_CLIPS else self.config.datasets[dataset].kind)

    def _on(self, dataset: str, clips: tuple[str, ...]) -> dict[str, Any]:
        """What a job is given of its clips."""
        return {"dataset": self.job_dataset(dataset, clips), "clips": clips}

    # Rows

    def of_row(self, row: Row) -> dict[str, Parts]:
        """Manifests of each of a row's stages, the label maps last; the jobs behind them become known.

        Empty for another system's predictions.

        Raises:
            InputError: data, weights or predictions that the row needs are not there.
        """
        if folder := self.predictions(row):
            if not full_path(folder).is_dir():
                raise InputError(
                    f"methods: {row.method}: predictions: {row.dataset}: there is no folder {folder}; "
                    "name one, or remove the entry for the published figures alone"
                )
            if (index := read_index(full_path(folder))) is not None:
                purpose = purpose_of(row, self.config.datasets[row.dataset], self.dataset(row.dataset))
                check_purpose(full_path(folder), index, purpose)
            return {}
        baseline = self.config.baseline_settings(row.method)
        if baseline is not None:
            return {"baseline": self._of_baseline(row, baseline)}
        segmenter = self.config.method(row.method).segmenter
        if segmenter is not None:
            return {"segmenter": self._of_segmenter(row, segmenter)}
        if row.backbone is None:
            raise InputError(
                f"method '{row.method}' makes no label maps on '{row.dataset}': it has no predictions there"
            )
        settings = self.config.method_settings(row.method, row.backbone, row.dataset)
        return self.of_method(row.dataset, row.backbone, settings, upsampled=self._upsampled(row))

    def of_clip(self, row: Row, clip: str) -> dict[str, Parts]:
        """The same for one clip of the user, which may have a number of clusters and weights of its own."""
        if row.backbone is None:
            return self.of_row(row)
        settings = self.config.method_settings(row.method, row.backbone, row.dataset)
        return self.of_method(
            row.dataset, row.backbone, with_clusters(settings, self.config.clips[clip].clusters), only=clip,
            adaptation=self.config.user_clips.adaptation(), upsampled=self._upsampled(row),
        )  # fmt: skip

    def _upsampled(self, row: Row) -> tuple[str, MethodSettings] | None:
        """Another backbone that makes a row's maps from its coarse maps, and the settings with it; None for none."""
        assert row.backbone is not None
        other = self.config.upsampling_backbone(row.backbone)
        if other == row.backbone:
            return None
        return other, self.config.upsampling_settings(row.method, row.backbone, row.dataset)

    def predictions(self, row: Row) -> str | None:
        """Folder of the predictions that a row scores; None where the project makes the label maps itself."""
        folder = (self.config.method(row.method).predictions or {}).get(row.dataset)
        return None if folder is None else expanded(folder, f"methods: {row.method}: predictions", row.dataset)

    def maps(self, row: Row) -> Parts | None:
        """Manifests of a row's full-resolution label maps; None for another system's predictions."""
        stages = self.of_row(row)
        return list(stages.values())[-1] if stages else None

    def _made(self, dataset: str, folder: str) -> Parts:
        return Parts(folder=f"{self.results}/{folder}", parts=tuple(self.parts(dataset)))

    def _of_baseline(self, row: Row, settings: Baseline) -> Parts:
        made = self._made(row.dataset, f"baselines/{self.place(row.dataset)}/{folder_name(settings)}")
        chosen = (CLASSIFIERS.module("knn"),) if settings.classifier == "knn" else ()
        for manifest, (part, clips) in zip(made.paths(), self.parts(row.dataset).items(), strict=True):
            check = self.check(row.dataset, part)
            self.add(
                BaselineJob, self.reader(row.dataset), *chosen, **self._on(row.dataset, clips), settings=settings,
                frames=check.frames, masks=check.masks, manifest=manifest,
            )  # fmt: skip
        return made

    def _of_segmenter(self, row: Row, settings: Segmenter) -> Parts:
        name = f"segmenter of {row.method}"
        if name not in self._weights:
            self._weights[name] = segmenter_digest(weights_of(row.method, settings))
        size = "" if settings.size is None else "{}size={}+{}".format(BETWEEN, *settings.size)
        folder = f"segmenters/{self.place(row.dataset)}/{row.method}{BETWEEN}weights={self._weights[name]}{size}"
        made = self._made(row.dataset, folder)
        for manifest, (part, clips) in zip(made.paths(), self.parts(row.dataset).items(), strict=True):
            self.add(
                SegmenterJob, self.reader(row.dataset), **self._on(row.dataset, clips), method=row.method,
                settings=settings, weights=self._weights[name], frames=self.check(row.dataset, part).frames,
                manifest=manifest,
            )  # fmt: skip
        return made

    def model(self, backbone: str, tiny: bool = False) -> dict[str, Any]:
        """What every job that runs a backbone is given; of its tiny decoder those alone that use it."""
        spec = self.config.backbones[backbone].spec(backbone)
        places: dict[str, str | None] = {"path": self._at_home(spec.path)}
        places["tiny_decoder"] = self._at_home(spec.tiny_decoder) if tiny and spec.tiny_decoder else None
        spec = spec.model_copy(update=places)
        name = f"{backbone}, tiny decoder" if tiny else backbone
        if name not in self._weights:
            found = find_model(spec)
            self._weights[name] = found.digest
            kind = BACKBONES.module(spec.kind)
            self._networks[backbone] = ("zeroshot_vss.backbones.loading", kind, *found.modules)
        return {"backbone": spec, "weights": self._weights[name]}

    def _adaptation(self, backbone: str, asked: Adaptation | None) -> Adaptation | None:
        """How a backbone is trained on with each clip, with the seed of the configuration; None where it is not.

        Raises:
            InputError: it cannot be.
        """
        chosen = asked or self.config.backbones[backbone].adapt
        if chosen is None:
            return None
        check_adaptable(find_model(self.model(backbone)["backbone"]))
        seeded = "seed" in chosen.model_fields_set
        return chosen if seeded else chosen.model_copy(update={"seed": self.config.seed})

    def network(self, backbone: str) -> tuple[str, ...]:
        """The modules of code that run a backbone."""
        self.model(backbone)
        return self._networks[backbone]

    def _at_home(self, path: str) -> str:
        """A folder of the workflow's own where the working directory has none of that name."""
        at_home = self.home / path
        return str(at_home) if at_home.exists() and not full_path(path).exists() else path

    def of_method(
        self,
        dataset: str,
        backbone: str,
        settings: MethodSettings,
        assigned: bool = True,
        only: str | None = None,
        adaptation: Adaptation | None = None,
        upsampled: tuple[str, MethodSettings] | None = None,
    ) -> dict[str, Parts]:
        """Manifests of each stage of a method with these settings; the jobs behind them become known.

        With `assigned` false the clusters stay what they are, without labels from the annotation. `only` is the one
        part that is meant. With `adaptation`, or where the backbone's configuration asks for it, the backbone is
        trained on with each clip first. `upsampled` is another backbone that makes the full-resolution maps, and the
        settings of the method with it.
        """
        features, matches = settings.stage_features(), settings.stage_correspondence()
        by, last = upsampled or (backbone, settings)
        upsampling = last.stage_upsampling()
        runs_model = upsampling.modulation is not None
        model = self.model(backbone)
        if runs_model and (reason := self.model(by)["backbone"].unmodulated):
            raise InputError(f"backbone '{by}': {reason}")
        decoding = self.model(by, tiny=upsampling.decoder == "tiny") if runs_model else {}
        maps = folder_name(last.upsampling)
        if runs_model and by != backbone:
            maps = shortened(f"{folder_name(upsampling)}{BETWEEN}by={by}")
        reading: dict[str, Any] = {}
        if upsampling.learned is not None:
            # The files of the network are part of the folder's name, not where they are.
            reading = {"hub": hub_digest(upsampling.learned), "blocks": settings.context.blocks}
            maps = folder_name(upsampling.model_copy(update={"learned": None}))
            maps = BETWEEN.join([maps, f"learned={reading['hub']}", f"blocks={value_name(list(reading['blocks']))}"])
        adaptation = self._adaptation(backbone, adaptation)
        name = backbone if adaptation is None else shortened(f"{backbone}{BETWEEN}{folder_name(adaptation)}")
        stem = f"{self.place(dataset)}/{name}/{folder_name(features)}"
        context = folder_name(settings.context) + ("" if assigned else f"{BETWEEN}assigned=no")
        refined = f"{stem}/{context}/{folder_name(matches)}"
        reader, network = self.reader(dataset), self.network(backbone)
        classifier, upsampler = (
            CLASSIFIERS.module(settings.context.classifier),
            UPSAMPLERS.module(upsampling.upsampler),
        )
        made: dict[str, Parts] = {}
        if adaptation is not None:
            made["adapt"] = self._made(dataset, f"adapted/{self.place(dataset)}/{name}")
        made["features"] = self._made(dataset, f"features/{stem}")
        if matches is not None:
            made["correspondences"] = self._made(dataset, f"correspondences/{stem}/{folder_name(matches)}")
        made["coarse"] = self._made(dataset, f"coarse/{refined}")
        made["upsample"] = self._made(dataset, f"maps/{refined}/{maps}")
        for part, clips in self.parts(dataset).items():
            if only not in (None, part):
                continue
            on, check = self._on(dataset, clips), self.check(dataset, part)
            path = {stage: f"{parts.folder}/{part}.json" for stage, parts in made.items()}
            if adaptation is not None:
                self.add(
                    AdaptJob, reader, *network, **on, **model, settings=adaptation, frames=check.frames,
                    manifest=path["adapt"],
                )  # fmt: skip
            self.add(
                FeaturesJob, reader, *network, **on, **model, adapted=path.get("adapt"), settings=features,
                frames=check.frames, manifest=path["features"],
            )  # fmt: skip
            if matches is not None:
                self.add(
                    CorrespondenceJob, **on, settings=matches, features=features, cached=path["features"],
                    manifest=path["correspondences"],
                )  # fmt: skip
            self.add(
                CoarseJob, reader, classifier, **on, settings=settings.context, features=features,
                refinement=matches, assigned=assigned, masks=check.masks, cached=path["features"],
                matches=path.get("correspondences"), manifest=path["coarse"],
            )  # fmt: skip
            self.add(
                UpsampleJob, reader, upsampler, *(self.network(by) if runs_model else ()), **on, **decoding,
                adapted=path.get("adapt") if runs_model and by == backbone else None, settings=upsampling,
                frames=check.frames, coarse=path["coarse"], manifest=path["upsample"],
                cached=path["features"] if reading else None, **reading,
            )  # fmt: skip
        return made
