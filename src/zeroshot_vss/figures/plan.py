"""The figures in the configuration, and which jobs and files each of them needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from zeroshot_vss.config.figures import FiguresConfig
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.captions import LAMBDA, describe, describe_queries, equal
from zeroshot_vss.figures.job import FigureJob, Inspection, Source
from zeroshot_vss.figures.sources import Sources, with_context

if TYPE_CHECKING:
    from zeroshot_vss.workflow.plan import Plan


class Planned(NamedTuple):
    """A figure."""

    job: FigureJob
    inputs: list[str]
    """Manifests of its sources, one source after another."""


class Figures:
    """The figures of a configuration, by name. The jobs behind them become known to the plan.

    Attributes:
        planned: name (`figure1`, ...) to what it needs.
        coarse: path of an inspection's manifest to those of the coarse maps that it starts from.

    Raises:
        InputError: the configured clip does not exist, or the method has nothing to look into.
    """

    def __init__(self, plan: Plan, config: FiguresConfig) -> None:
        self.plan, self.config = plan, config
        self.sources = Sources(plan, config)
        self.coarse = self.sources.coarse
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
        self.planned = {one.job.figure: one for one in made}

    def _named(self, figure: str) -> Planned:
        if figure not in self.planned:
            raise InputError(f"there is no {figure}; known: {', '.join(self.planned)}")
        return self.planned[figure]

    def inputs(self, figure: str) -> list[str]:
        """Manifests that a figure needs."""
        return self._named(figure).inputs

    def job(self, figure: str) -> str:
        """What the job that draws a figure is told, as JSON."""
        return self._named(figure).job.model_dump_json(exclude={"compute"})

    # What the figures share

    def _planned(
        self,
        figure: str,
        sources: Sequence[tuple[str, list[str] | str]],
        clips: Sequence[str],
        dataset: str = "",
        backbones: Sequence[str] | None = None,
        **more: Any,
    ) -> Planned:
        named = self.config.backbones if backbones is None else backbones
        settings = {self.sources.title(backbone): self.sources.settings(backbone, dataset) for backbone in named}
        if figure in ("figure2", "figure15"):
            words = describe_queries(settings)
        else:
            words = describe(self.plan.config.method(self.config.method).title, settings)
        job = FigureJob(
            figure=figure, dataset=self.plan.dataset(dataset or self.config.dataset), clips=tuple(clips),
            sources=tuple(
                Source(title=title, manifests=0, folder=paths) if isinstance(paths, str)
                else Source(title=title, manifests=len(paths))
                for title, paths in sources
            ),
            settings=f"{words} {more.pop('further', '')}".strip(), **more,
        )  # fmt: skip
        return Planned(job, [path for _, paths in sources if not isinstance(paths, str) for path in paths])

    # Figures of label maps

    def over_time(self) -> Planned:
        """Figure 1."""
        chosen, dataset = self.config.over_time, self.config.dataset
        rows = self.sources.rows(dataset, chosen.methods)
        sources = [(title, self.sources.maps(row, [self.sources.clip])) for title, row in rows]
        return self._planned("figure1", sources, [self.sources.clip], frames=chosen.frames)

    def comparison(self) -> Planned:
        """Figure 5."""
        chosen, dataset = self.config.comparison, self.config.dataset
        clips = self.plan.clips(dataset)[: chosen.clips]
        rows = self.sources.rows(dataset, chosen.methods)
        sources = [(title, self.sources.maps(row, clips)) for title, row in rows]
        return self._planned("figure5", sources, clips, frames=chosen.frames)

    def failures(self) -> list[Planned]:
        """Figures 8, 9 and 10."""
        chosen = self.config.failures
        dataset = chosen.dataset or self.config.dataset
        clips, told = self.plan.clips(dataset), {"dataset": dataset, "cases": chosen.cases}
        maps = [(title, self.plan.maps(row)) for title, row in self.sources.rows(dataset, [self.config.method])]
        own = [(self.sources.title(b), paths) for b, (_, paths) in zip(self.config.backbones, maps, strict=True)]
        decoded: list[tuple[str, list[str]]] = []
        for backbone, (title, labels) in zip(self.config.backbones, own, strict=True):
            settings = Inspection(sampling=self.sources.settings(backbone, dataset).stage_sampling(), decoded=True)
            paths = [
                self.sources.inspection(dataset, backbone, "decoded", shard, part, settings)
                for shard, part in self.plan.shards(dataset).items()
            ]
            decoded += [(title, paths), (title, labels)]
        return [
            self._planned("figure8", decoded, clips, **told),
            self._planned("figure9", own, clips, **told, tolerance=chosen.tolerance),
            self._planned("figure10", maps, clips, **told),
        ]

    # Figures of what lies between frames and label maps

    def features(self, figure: str) -> Planned:
        """Figures 2 and 15."""
        chosen, backbones = self.config.features, self.config.backbones
        sources = [(self.sources.title(backbone), [self.sources.queries(backbone)]) for backbone in backbones]
        blocks = [self.sources.block(b) if figure == "figure2" else chosen.higher for b in backbones]
        return self._planned(figure, sources, [self.sources.clip], blocks=blocks, slice_at=chosen.slice_at)

    def aggregation(self) -> Planned:
        """Figure 6."""
        found = {backbone: self.sources.aggregated(backbone) for backbone in self.config.backbones}
        sources = [(self.sources.title(backbone), [path]) for backbone, (_, path) in found.items()]
        titles = found[self.config.backbones[0]][0]
        return self._planned("figure6", sources, [self.sources.clip], variations=titles)

    def drawings(self) -> list[Planned]:
        """Figures 3 and 4, of the first backbone; the second needs correspondences as in the paper."""
        backbone = self.config.backbones[0]
        settings, titles = self.sources.settings(backbone), self.sources.aggregated(backbone)[0]
        before = self.sources.coarse_maps(backbone, settings.model_copy(update={"refinement": None}))
        shared = [("queries", [self.sources.queries(backbone)]), ("before CBR", [before])]
        told: dict[str, Any] = {
            "blocks": [self.sources.block(backbone)], "frames": self.config.frames, "backbones": [backbone]
        }  # fmt: skip
        stages = [*shared, ("method", [self.sources.aggregated(backbone)[1]])]
        found = [self._planned("figure3", stages, [self.sources.clip], variations=titles, **told)]
        if settings.refinement is not None and settings.refinement.variant == "paper":
            manifests = self.plan.method_stages(self.config.dataset, backbone, settings)["correspondences"]
            matches = self.sources.holding(self.config.dataset, manifests, [self.sources.clip])
            tracks = [*shared, ("matches", matches), ("after CBR", [self.sources.coarse_maps(backbone, settings)])]
            found.append(self._planned("figure4", tracks, [self.sources.clip], **told))
        return found

    def blending(self, figure: str) -> Planned:
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

    def modulated_blocks(self) -> Planned:
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

    def clusters(self) -> Planned:
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
