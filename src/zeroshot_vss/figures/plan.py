"""Which jobs and files each figure needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zeroshot_vss.config.figures import FiguresConfig
from zeroshot_vss.figures.captions import LAMBDA, describe, describe_queries, equal
from zeroshot_vss.figures.job import FigureJob, Inspection, Source
from zeroshot_vss.figures.sources import Sources, with_context

if TYPE_CHECKING:
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
        self.sources = Sources(stages, config)
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
        self.planned = {one.figure: one for one in made}

    # What the figures share

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
        settings = {self.sources.title(backbone): self.sources.settings(backbone, dataset) for backbone in named}
        if figure in ("figure2", "figure15"):
            description = describe_queries(settings)
        else:
            description = describe(self.stages.config.method(self.config.method).title, settings)
        name, stem = dataset or self.config.dataset, f"{self.stages.results}/figures/{figure}"
        return self.stages.add(
            FigureJob, self.stages.reader(name), figure=figure, dataset=self.stages.job_dataset(name, clips),
            clips=tuple(clips),
            sources=tuple(
                Source(title=title, folder=paths) if isinstance(paths, str)
                else Source(title=title, manifests=tuple(paths))
                for title, paths in sources
            ),
            settings=f"{description} {more.pop('further', '')}".strip(), pdf=f"{stem}.pdf", png=f"{stem}.png",
            captioned=self.config.captions, **more,
        )  # fmt: skip

    # Figures of label maps

    def over_time(self) -> FigureJob:
        """Figure 1."""
        chosen, dataset = self.config.over_time, self.config.dataset
        rows = self.sources.rows(dataset, chosen.methods)
        sources = [(title, self.sources.maps(row, [self.sources.clip])) for title, row in rows]
        return self._planned("figure1", sources, [self.sources.clip], frames=chosen.frames)

    def comparison(self) -> FigureJob:
        """Figure 5."""
        chosen, dataset = self.config.comparison, self.config.dataset
        clips = self.stages.clips(dataset)[: chosen.clips]
        rows = self.sources.rows(dataset, chosen.methods)
        sources = [(title, self.sources.maps(row, clips)) for title, row in rows]
        return self._planned("figure5", sources, clips, frames=chosen.frames)

    def failures(self) -> list[FigureJob]:
        """Figures 8, 9 and 10."""
        chosen = self.config.failures
        dataset = chosen.dataset or self.config.dataset
        clips, shared = self.stages.clips(dataset), {"dataset": dataset, "cases": chosen.cases}
        rows = self.sources.rows(dataset, [self.config.method])
        maps = [(title, self.sources.maps(row, clips)) for title, row in rows]
        own = [(self.sources.title(b), paths) for b, (_, paths) in zip(self.config.backbones, maps, strict=True)]
        decoded: list[tuple[str, list[str] | str]] = []
        for backbone, (title, labels) in zip(self.config.backbones, own, strict=True):
            settings = Inspection(sampling=self.sources.settings(backbone, dataset).stage_sampling(), decoded=True)
            paths = [
                self.sources.inspection(dataset, backbone, "decoded", part, members, settings)
                for part, members in self.stages.parts(dataset).items()
            ]
            decoded += [(title, paths), (title, labels)]
        return [
            self._planned("figure8", decoded, clips, **shared),
            self._planned("figure9", own, clips, **shared, tolerance=chosen.tolerance),
            self._planned("figure10", maps, clips, **shared),
        ]

    # Figures of what lies between frames and label maps

    def features(self, figure: str) -> FigureJob:
        """Figures 2 and 15."""
        chosen, backbones = self.config.features, self.config.backbones
        sources = [(self.sources.title(backbone), [self.sources.queries(backbone)]) for backbone in backbones]
        blocks = [self.sources.block(b) if figure == "figure2" else chosen.higher for b in backbones]
        return self._planned(figure, sources, [self.sources.clip], blocks=blocks, slice_at=chosen.slice_at)

    def aggregation(self) -> FigureJob:
        """Figure 6."""
        aggregated = {backbone: self.sources.aggregated(backbone) for backbone in self.config.backbones}
        sources = [(self.sources.title(backbone), [path]) for backbone, (_, path) in aggregated.items()]
        titles = aggregated[self.config.backbones[0]][0]
        return self._planned("figure6", sources, [self.sources.clip], variations=titles)

    def drawings(self) -> list[FigureJob]:
        """Figures 3 and 4, of the first backbone; the second needs correspondences as in the paper."""
        backbone = self.config.backbones[0]
        settings, titles = self.sources.settings(backbone), self.sources.aggregated(backbone)[0]
        before = self.sources.coarse_maps(backbone, settings.model_copy(update={"refinement": None}))
        shared = [("queries", [self.sources.queries(backbone)]), ("before CBR", [before])]
        options: dict[str, Any] = {
            "blocks": [self.sources.block(backbone)], "frames": self.config.frames, "backbones": [backbone]
        }  # fmt: skip
        stages = [*shared, ("method", [self.sources.aggregated(backbone)[1]])]
        jobs = [self._planned("figure3", stages, [self.sources.clip], variations=titles, **options)]
        if settings.refinement is not None and settings.refinement.variant == "paper":
            made = self.stages.of_method(self.config.dataset, backbone, settings)["correspondences"]
            matches = self.sources.manifests_with(self.config.dataset, made, [self.sources.clip])
            tracks = [*shared, ("matches", matches), ("after CBR", [self.sources.coarse_maps(backbone, settings)])]
            jobs.append(self._planned("figure4", tracks, [self.sources.clip], **options))
        return jobs

    def blending(self, figure: str) -> FigureJob:
        """Figures 7, 12 and 13."""
        sources: list[tuple[str, list[str]]] = []
        weak = self.config.strength_without_blending
        for backbone in self.config.backbones:
            modulation = self.sources.modulation(backbone)
            coarse = self.sources.coarse_maps(backbone, self.sources.settings(backbone))
            without = modulation.model_copy(update={"blend_through": None, "strength": weak})
            variations = [("without blending", coarse, without), ("with blending", coarse, modulation)]
            path = self.sources.varied(backbone, "blending", self.config.frames[:1], variations)
            sources.append((self.sources.title(backbone), [path]))
        further = "" if figure == "figure13" else f"Without blending {equal(LAMBDA, weak)}."
        titles = ("without blending", "with blending")
        return self._planned(
            figure, sources, [self.sources.clip], cases=self.config.masks, variations=titles, further=further
        )

    def modulated_blocks(self) -> FigureJob:
        """Figure 11."""
        sources: list[tuple[str, list[str]]] = []
        for backbone in self.config.backbones:
            modulation = self.sources.modulation(backbone)
            coarse = self.sources.coarse_maps(backbone, self.sources.settings(backbone))
            variations = [
                (f"block {block}", coarse, modulation.model_copy(update={"block": block}))
                for block in self.config.modulated_blocks
            ]
            path = self.sources.varied(backbone, "modulated-blocks", self.config.frames[:1], variations)
            sources.append((self.sources.title(backbone), [path]))
        titles = [f"block {block}" for block in self.config.modulated_blocks]
        blocks = [self.sources.modulation(backbone).block for backbone in self.config.backbones]
        return self._planned("figure11", sources, [self.sources.clip], variations=titles, blocks=blocks)

    def clusters(self) -> FigureJob:
        """Figure 14, of the first backbone: so many labels cost a video model a pass of the whole batch each."""
        backbone = self.config.backbones[0]
        settings, modulation = self.sources.settings(backbone), self.sources.modulation(backbone)
        variations = [
            (
                f"{k} clusters",
                self.sources.coarse_maps(backbone, with_context(settings, clusters=k), assigned),
                modulation,
            )
            for assigned in (False, True)
            for k in self.config.clusters
        ]
        path = self.sources.varied(backbone, "clusters", self.config.frames, variations)
        titles = [equal("K", k) for _ in range(2) for k in self.config.clusters]
        sources = [(self.sources.title(backbone), [path])]
        return self._planned("figure14", sources, [self.sources.clip], backbones=[backbone], variations=titles)
