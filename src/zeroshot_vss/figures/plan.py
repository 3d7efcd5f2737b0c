"""Which jobs and files each figure needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zeroshot_vss.datasets import DATASETS
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.captions import LAMBDA, describe, describe_queries, equation
from zeroshot_vss.figures.config import FiguresConfig
from zeroshot_vss.figures.job import FigureJob, Inspection, InspectJob, Source, Variation
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.upsampling import Modulation
from zeroshot_vss.workflow.rows import is_measured, make_row
from zeroshot_vss.workflow.stages import backbone_modules

if TYPE_CHECKING:
    from zeroshot_vss.jobs.base import Parts
    from zeroshot_vss.workflow.rows import Row
    from zeroshot_vss.workflow.stages import Stages


class Figures:
    """The figures of a configuration. The jobs behind them become known to the plan.

    Attributes:
        planned: name (`figure1`, ...) to its job.

    Raises:
        InputError: the configured clip does not exist, or the method has nothing to look into.
    """

    def __init__(self, stages: Stages, config: FiguresConfig) -> None:
        self.stages, self.config = stages, config
        clips = stages.clips(config.dataset)
        self.clip = clips[0] if config.clip is None else config.clip
        if self.clip not in clips:
            raise InputError(f"config: figures.clip: data set '{config.dataset}' has no clip '{self.clip}'")
        made = [
            self.over_time(),
            self.features("figure2"),
            *self.drawings(),
            self.comparison(),
            self.aggregation(),
            self.blending("figure7"),
            *self.failures(),
            self.modulated_blocks(),
            self.blending("figure12"),
            self.blending("figure13"),
            self.clusters(),
            self.features("figure15"),
        ]
        self.stagesned = {one.figure: one for one in made}

    # What the figures share

    def _title(self, backbone: str) -> str:
        return self.stages.config.backbones[backbone].title

    def _settings(self, backbone: str, dataset: str | None = None) -> MethodSettings:
        return self.stages.config.method_settings(self.config.method, backbone, dataset or self.config.dataset)

    def _modulation(self, backbone: str) -> Modulation:
        modulation = self._settings(backbone).upsampling.modulation
        if modulation is None:
            raise InputError(f"config: figures.method: '{self.config.method}' does not upsample by masked modulation")
        return modulation

    def _holding(self, dataset: str, made: Parts, clips: Sequence[str]) -> list[str]:
        """Those of a stage's manifests that hold some of the clips."""
        parts = self.stages.parts(dataset).values()
        return [path for path, part in zip(made.paths(), parts, strict=True) if set(part) & set(clips)]

    def _planned(
        self,
        figure: str,
        sources: Sequence[tuple[str, list[str] | str]],
        clips: Sequence[str],
        dataset: str = "",
        backbones: Sequence[str] | None = None,
        **more: Any,
    ) -> FigureJob:
        named = self.config.backbones if backbones is None else backbones
        settings = {self._title(backbone): self._settings(backbone, dataset) for backbone in named}
        if figure in ("figure2", "figure15"):
            words = describe_queries(settings)
        else:
            words = describe(self.stages.config.method(self.config.method).title, settings)
        name, stem = dataset or self.config.dataset, f"{self.stages.results}/figures/{figure}"
        return self.stages.add(
            FigureJob, DATASETS.module(self.stages.config.datasets[name].kind), figure=figure,
            dataset=self.stages.job_dataset(name, clips), clips=tuple(clips),
            sources=tuple(
                Source(title=title, folder=paths) if isinstance(paths, str)
                else Source(title=title, manifests=tuple(paths))
                for title, paths in sources
            ),
            settings=f"{words} {more.pop('further', '')}".strip(), pdf=f"{stem}.pdf", png=f"{stem}.png", **more,
        )  # fmt: skip

    # Figures of label maps

    def _rows(self, dataset: str, methods: Sequence[str]) -> list[tuple[str, Row]]:
        """Titles and rows of methods, with every backbone where they have one.

        Other systems are left out where the configuration has no folder of their predictions.
        """
        config = self.stages.config
        rows = [(m, make_row(config, dataset, m, b)) for m in methods for b in self.config.backbones]
        rows = [(m, row) for m, row in rows if is_measured(config, row)]
        several = len(self.config.backbones) > 1
        return [
            (f"{title} ({self._title(row.backbone)})" if row.backbone and several else title, row)
            for title, row in dict.fromkeys((self.stages.config.method(m).title, row) for m, row in rows)
        ]

    def _maps(self, row: Row, clips: Sequence[str]) -> list[str] | str:
        """The manifests of a row's label maps that hold some of the clips, or the folder of another system's."""
        made = self.stages.maps(row)
        return self.stages.predictions(row) or "" if made is None else self._holding(row.dataset, made, clips)

    def over_time(self) -> FigureJob:
        """Figure 1."""
        chosen, dataset = self.config.over_time, self.config.dataset
        rows = self._rows(dataset, chosen.methods)
        sources = [(title, self._maps(row, [self.clip])) for title, row in rows]
        return self._planned("figure1", sources, [self.clip], frames=chosen.frames)

    def comparison(self) -> FigureJob:
        """Figure 5."""
        chosen, dataset = self.config.comparison, self.config.dataset
        clips = self.stages.clips(dataset)[: chosen.clips]
        rows = self._rows(dataset, chosen.methods)
        sources = [(title, self._maps(row, clips)) for title, row in rows]
        return self._planned("figure5", sources, clips, frames=chosen.frames)

    def failures(self) -> list[FigureJob]:
        """Figures 8, 9 and 10."""
        chosen = self.config.failures
        dataset = chosen.dataset or self.config.dataset
        clips, told = self.stages.clips(dataset), {"dataset": dataset, "cases": chosen.cases}
        maps = [(title, self._maps(row, clips)) for title, row in self._rows(dataset, [self.config.method])]
        own = [(self._title(b), paths) for b, (_, paths) in zip(self.config.backbones, maps, strict=True)]
        decoded: list[tuple[str, list[str] | str]] = []
        for backbone, (title, labels) in zip(self.config.backbones, own, strict=True):
            settings = Inspection(sampling=self._settings(backbone, dataset).stage_sampling(), decoded=True)
            paths = [
                self._inspection(dataset, backbone, "decoded", part, clips_of_part, settings)
                for part, clips_of_part in self.stages.parts(dataset).items()
            ]
            decoded += [(title, paths), (title, labels)]
        return [
            self._planned("figure8", decoded, clips, **told),
            self._planned("figure9", own, clips, **told, tolerance=chosen.tolerance),
            self._planned("figure10", maps, clips, **told),
        ]

    # Figures of what lies between frames and label maps

    def _inspected(self, backbone: str, name: str, settings: Inspection, coarse: Sequence[str] = ()) -> str:
        """The inspection of the clip."""
        dataset = self.config.dataset
        part = self.stages.part_of(dataset, self.clip)
        return self._inspection(dataset, backbone, name, part, (self.clip,), settings, coarse)

    def _inspection(
        self, dataset: str, backbone: str, name: str, part: str, clips: tuple[str, ...], settings: Inspection,
        coarse: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Manifest of an inspection of some clips of a part."""
        model = self.stages.model(backbone)
        chosen = (
            DATASETS.module(self.stages.config.datasets[dataset].kind),
            *backbone_modules(model["backbone"].kind),
        )
        return self.stages.add(
            InspectJob, *chosen, **model, dataset=self.stages.job_dataset(dataset, clips), clips=clips,
            settings=settings, frames=self.stages.check(dataset, part).frames, coarse=tuple(coarse),
            manifest=f"{self.stages.results}/inspect/{dataset}/{backbone}/{name}/{part}.json",
        ).manifest  # fmt: skip

    def _coarse(self, backbone: str, settings: MethodSettings, assigned: bool = True) -> str:
        """Manifest of the clip's coarse maps under some settings."""
        made = self.stages.of_method(self.config.dataset, backbone, settings, assigned)["coarse"]
        return self._holding(self.config.dataset, made, [self.clip])[0]

    def _varied(
        self, backbone: str, name: str, frames: Sequence[int], variations: Sequence[tuple[str, str, Modulation]]
    ) -> str:
        """An inspection of variations: title, coarse manifest and modulation of each."""
        settings = self._settings(backbone)
        coarse = list(dict.fromkeys(path for _, path, _ in variations))
        told = tuple(
            Variation(title=title, coarse=coarse.index(path),
                      upsampler=settings.upsampling.model_copy(update={"modulation": modulation}))
            for title, path, modulation in variations
        )  # fmt: skip
        look = Inspection(sampling=settings.stage_sampling(), frames=tuple(frames), variations=told)
        return self._inspected(backbone, name, look, coarse)

    def _block(self, backbone: str) -> int:
        """The block whose features figure 2 shows."""
        chosen = self.config.features
        return chosen.video if self.stages.config.backbones[backbone].kind == "video" else chosen.image

    def _queries(self, backbone: str) -> str:
        """The inspection of the first batch's queries."""
        settings = self._settings(backbone)
        kept = tuple(sorted({self._block(backbone), self.config.features.higher}))
        look = Inspection(
            sampling=settings.stage_sampling(), frames=tuple(range(settings.context.batches.size)), spatial=kept,
            temporal=kept if self.stages.config.backbones[backbone].kind == "video" else (),
            step=settings.features.step,
        )  # fmt: skip
        return self._inspected(backbone, "features", look)

    def features(self, figure: str) -> FigureJob:
        """Figures 2 and 15."""
        chosen, backbones = self.config.features, self.config.backbones
        sources = [(self._title(backbone), [self._queries(backbone)]) for backbone in backbones]
        blocks = [self._block(b) if figure == "figure2" else chosen.higher for b in backbones]
        return self._planned(figure, sources, [self.clip], blocks=blocks, slice_at=chosen.slice_at)

    def _aggregated(self, backbone: str) -> tuple[list[str], str]:
        """Titles and the inspection of the method with features of single blocks, and of their mean at last."""
        settings, modulation = self._settings(backbone), self._modulation(backbone)
        cached = settings.features.blocks
        chosen = {**{f"block {block}": (block,) for block in cached}, "mean": cached}
        variations = [
            (title, self._coarse(backbone, _with_context(settings, blocks=blocks)), modulation)
            for title, blocks in chosen.items()
        ]
        return list(chosen), self._varied(backbone, "blocks", self.config.frames, variations)

    def aggregation(self) -> FigureJob:
        """Figure 6."""
        found = {backbone: self._aggregated(backbone) for backbone in self.config.backbones}
        sources = [(self._title(backbone), [path]) for backbone, (_, path) in found.items()]
        titles = found[self.config.backbones[0]][0]
        return self._planned("figure6", sources, [self.clip], variations=titles)

    def drawings(self) -> list[FigureJob]:
        """Figures 3 and 4, of the first backbone; the second needs correspondences as in the paper."""
        backbone = self.config.backbones[0]
        settings, titles = self._settings(backbone), self._aggregated(backbone)[0]
        before = self._coarse(backbone, settings.model_copy(update={"refinement": None}))
        shared = [("queries", [self._queries(backbone)]), ("before CBR", [before])]
        told: dict[str, Any] = {
            "blocks": [self._block(backbone)], "frames": self.config.frames, "backbones": [backbone]
        }  # fmt: skip
        stages = [*shared, ("method", [self._aggregated(backbone)[1]])]
        found = [self._planned("figure3", stages, [self.clip], variations=titles, **told)]
        if settings.refinement is not None and settings.refinement.variant == "paper":
            made = self.stages.of_method(self.config.dataset, backbone, settings)["correspondences"]
            matches = self._holding(self.config.dataset, made, [self.clip])
            tracks = [*shared, ("matches", matches), ("after CBR", [self._coarse(backbone, settings)])]
            found.append(self._planned("figure4", tracks, [self.clip], **told))
        return found

    def blending(self, figure: str) -> FigureJob:
        """Figures 7, 12 and 13."""
        sources: list[tuple[str, list[str]]] = []
        weak = self.config.strength_without_blending
        for backbone in self.config.backbones:
            modulation, coarse = self._modulation(backbone), self._coarse(backbone, self._settings(backbone))
            without = modulation.model_copy(update={"blend_through": None, "strength": weak})
            variations = [("without blending", coarse, without), ("with blending", coarse, modulation)]
            path = self._varied(backbone, "blending", self.config.frames[:1], variations)
            sources.append((self._title(backbone), [path]))
        further = "" if figure == "figure13" else f"Without blending {equation(LAMBDA, weak)}."
        titles = ("without blending", "with blending")
        return self._planned(
            figure, sources, [self.clip], cases=self.config.masks, variations=titles, further=further
        )

    def modulated_blocks(self) -> FigureJob:
        """Figure 11."""
        sources: list[tuple[str, list[str]]] = []
        for backbone in self.config.backbones:
            modulation, coarse = self._modulation(backbone), self._coarse(backbone, self._settings(backbone))
            variations = [
                (f"block {block}", coarse, modulation.model_copy(update={"block": block}))
                for block in self.config.modulated_blocks
            ]
            path = self._varied(backbone, "modulated-blocks", self.config.frames[:1], variations)
            sources.append((self._title(backbone), [path]))
        titles = [f"block {block}" for block in self.config.modulated_blocks]
        blocks = [self._modulation(backbone).block for backbone in self.config.backbones]
        return self._planned("figure11", sources, [self.clip], variations=titles, blocks=blocks)

    def clusters(self) -> FigureJob:
        """Figure 14, of the first backbone: so many labels cost a video model a pass of the whole batch each."""
        backbone = self.config.backbones[0]
        settings, modulation = self._settings(backbone), self._modulation(backbone)
        variations = [
            (f"{k} clusters", self._coarse(backbone, _with_context(settings, clusters=k), assigned), modulation)
            for assigned in (False, True)
            for k in self.config.clusters
        ]
        path = self._varied(backbone, "clusters", self.config.frames, variations)
        titles = [equation("K", k) for _ in range(2) for k in self.config.clusters]
        sources = [(self._title(backbone), [path])]
        return self._planned("figure14", sources, [self.clip], backbones=[backbone], variations=titles)


def _with_context(settings: MethodSettings, **changes: Any) -> MethodSettings:
    return settings.model_copy(update={"context": settings.context.model_copy(update=changes)})
