"""The figures in the configuration, and which jobs and files each of them needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.job import FigureJob, Inspection, InspectJob, Source, Variation
from zeroshot_vss.settings.base import NonNegative, Positive, Settings
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.upsampling import Modulation

if TYPE_CHECKING:
    from zeroshot_vss.workflow.plan import Plan, Row

Frames = tuple[NonNegative, ...]
LAMBDA = "\N{GREEK SMALL LETTER LAMDA}"


class OverTimeConfig(Settings):
    """Figure 1."""

    methods: tuple[str, ...]
    frames: Frames = (0, 5, 10, 16, 21, 27)


class ComparisonConfig(Settings):
    """Figure 5."""

    methods: tuple[str, ...]
    clips: Positive = 2
    """How many, from the first on."""
    frames: Frames = (0, 9, 18, 27)


class FeaturesConfig(Settings):
    """Figures 2 and 15."""

    image: NonNegative = 7
    """Block of figure 2 in image models."""
    video: NonNegative = 8
    """The same in video models."""
    higher: NonNegative = 9
    """Block of figure 15."""
    slice_at: float = Field(default=0.6, ge=0, lt=1)
    """Height of the x-t slice's row, from 0 (top) to 1."""


class FailuresConfig(Settings):
    """Figures 8, 9 and 10."""

    dataset: str | None = None
    """Where failures are looked for; that of the other figures where None."""
    cases: Positive = 2
    """How many are shown, of each backbone."""
    tolerance: NonNegative = 8
    """Change of colour, 0..255, up to which a pixel counts as static: that of sensor noise."""


class FiguresConfig(Settings):
    """The paper's figures. Frames beyond a clip's end are left out."""

    dataset: str
    backbones: tuple[str, ...] = Field(min_length=1)
    method: str = "ours"
    """The method that is looked into."""
    clip: str | None = None
    """Of the figures that show one; the first where None."""
    frames: Frames = Field(default=(0, 13), min_length=1)
    """Those that are looked into; figures of one frame take the first."""
    masks: Positive = 2
    """How many figures 12 and 13 show, of each backbone."""
    over_time: OverTimeConfig
    comparison: ComparisonConfig
    features: FeaturesConfig = FeaturesConfig()
    failures: FailuresConfig = FailuresConfig()
    modulated_blocks: tuple[NonNegative, ...] = (3, 4, 5, 6, 7, 8, 9, 10, 11)
    """Figure 11."""
    strength_without_blending: float = 10.0
    """lambda of the passes without latent blending in figures 7 and 12."""
    clusters: tuple[Positive, ...] = (5, 10, 20, 30)
    """Figure 14."""

    def named_methods(self) -> list[str]:
        """All methods that the figures need."""
        return [self.method, *self.over_time.methods, *self.comparison.methods]

    def named_datasets(self) -> list[str]:
        """All data sets that the figures need."""
        return [self.dataset, *([self.failures.dataset] if self.failures.dataset else [])]


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
        self.coarse: dict[str, list[str]] = {}
        clips = plan.clips(config.dataset)
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

    def _title(self, backbone: str) -> str:
        return self.plan.config.backbones[backbone].title

    def _settings(self, backbone: str, dataset: str | None = None) -> MethodSettings:
        return self.plan.config.method_settings(self.config.method, backbone, dataset or self.config.dataset)

    def _modulation(self, backbone: str) -> Modulation:
        modulation = self._settings(backbone).upsampling.modulation
        if modulation is None:
            raise InputError(f"config: figures.method: '{self.config.method}' does not upsample by masked modulation")
        return modulation

    def _holding(self, dataset: str, manifests: Sequence[str], clips: Sequence[str]) -> list[str]:
        """Those of a stage's manifests that hold some of the clips."""
        parts = self.plan.shards(dataset).values()
        return [path for path, part in zip(manifests, parts, strict=True) if set(part) & set(clips)]

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
        settings = {self._title(backbone): self._settings(backbone, dataset) for backbone in named}
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

    def _rows(self, dataset: str, methods: Sequence[str]) -> list[tuple[str, Row]]:
        """Titles and rows of methods, with every backbone where they have one.

        Other systems are left out where the configuration has no folder of their predictions.
        """
        rows = [(m, self.plan.row(dataset, m, b)) for m in methods for b in self.config.backbones]
        rows = [(m, row) for m, row in rows if self.plan.measured(row)]
        several = len(self.config.backbones) > 1
        return [
            (f"{title} ({self._title(row.backbone)})" if row.backbone and several else title, row)
            for title, row in dict.fromkeys((self.plan.config.method(m).title, row) for m, row in rows)
        ]

    def _maps(self, row: Row, clips: Sequence[str]) -> list[str] | str:
        """The manifests of a row's label maps that hold some of the clips, or the folder of another system's."""
        return self.plan.predictions(row) or self._holding(row.dataset, self.plan.maps(row), clips)

    def over_time(self) -> Planned:
        """Figure 1."""
        chosen, dataset = self.config.over_time, self.config.dataset
        rows = self._rows(dataset, chosen.methods)
        sources = [(title, self._maps(row, [self.clip])) for title, row in rows]
        return self._planned("figure1", sources, [self.clip], frames=chosen.frames)

    def comparison(self) -> Planned:
        """Figure 5."""
        chosen, dataset = self.config.comparison, self.config.dataset
        clips = self.plan.clips(dataset)[: chosen.clips]
        rows = self._rows(dataset, chosen.methods)
        sources = [(title, self._maps(row, clips)) for title, row in rows]
        return self._planned("figure5", sources, clips, frames=chosen.frames)

    def failures(self) -> list[Planned]:
        """Figures 8, 9 and 10."""
        chosen = self.config.failures
        dataset = chosen.dataset or self.config.dataset
        clips, told = self.plan.clips(dataset), {"dataset": dataset, "cases": chosen.cases}
        maps = [(title, self.plan.maps(row)) for title, row in self._rows(dataset, [self.config.method])]
        own = [(self._title(b), paths) for b, (_, paths) in zip(self.config.backbones, maps, strict=True)]
        decoded: list[tuple[str, list[str]]] = []
        for backbone, (title, labels) in zip(self.config.backbones, own, strict=True):
            settings = Inspection(sampling=self._settings(backbone, dataset).stage_sampling(), decoded=True)
            paths = [
                self._inspection(dataset, backbone, "decoded", shard, part, settings)
                for shard, part in self.plan.shards(dataset).items()
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
        shard = next(shard for shard, part in self.plan.shards(dataset).items() if self.clip in part)
        return self._inspection(dataset, backbone, name, shard, (self.clip,), settings, coarse)

    def _inspection(
        self, dataset: str, backbone: str, name: str, shard: str, clips: tuple[str, ...], settings: Inspection,
        coarse: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Manifest of an inspection of some clips of a shard."""
        told = self.plan.told(dataset, shard, self.plan.shards(dataset)[shard])
        told |= {**self.plan.model(backbone), "clips": clips}
        job = InspectJob(**told, settings=settings)
        path = self.plan.add(f"{self.plan.results}/inspect/{dataset}/{backbone}/{name}", shard, job)
        self.coarse[path] = list(coarse)
        return path

    def _coarse(self, backbone: str, settings: MethodSettings, assigned: bool = True) -> str:
        """Manifest of the clip's coarse maps under some settings."""
        manifests = self.plan.method_stages(self.config.dataset, backbone, settings, assigned)["coarse"]
        return self._holding(self.config.dataset, manifests, [self.clip])[0]

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
        return chosen.video if self.plan.config.backbones[backbone].kind == "video" else chosen.image

    def _queries(self, backbone: str) -> str:
        """The inspection of the first batch's queries."""
        settings = self._settings(backbone)
        kept = tuple(sorted({self._block(backbone), self.config.features.higher}))
        look = Inspection(
            sampling=settings.stage_sampling(), frames=tuple(range(settings.context.batches.size)), spatial=kept,
            temporal=kept if self.plan.config.backbones[backbone].kind == "video" else (),
            step=settings.features.step,
        )  # fmt: skip
        return self._inspected(backbone, "features", look)

    def features(self, figure: str) -> Planned:
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

    def aggregation(self) -> Planned:
        """Figure 6."""
        found = {backbone: self._aggregated(backbone) for backbone in self.config.backbones}
        sources = [(self._title(backbone), [path]) for backbone, (_, path) in found.items()]
        titles = found[self.config.backbones[0]][0]
        return self._planned("figure6", sources, [self.clip], variations=titles)

    def drawings(self) -> list[Planned]:
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
            manifests = self.plan.method_stages(self.config.dataset, backbone, settings)["correspondences"]
            matches = self._holding(self.config.dataset, manifests, [self.clip])
            tracks = [*shared, ("matches", matches), ("after CBR", [self._coarse(backbone, settings)])]
            found.append(self._planned("figure4", tracks, [self.clip], **told))
        return found

    def blending(self, figure: str) -> Planned:
        """Figures 7, 12 and 13."""
        sources: list[tuple[str, list[str]]] = []
        weak = self.config.strength_without_blending
        for backbone in self.config.backbones:
            modulation, coarse = self._modulation(backbone), self._coarse(backbone, self._settings(backbone))
            without = modulation.model_copy(update={"blend_through": None, "strength": weak})
            variations = [("without blending", coarse, without), ("with blending", coarse, modulation)]
            path = self._varied(backbone, "blending", self.config.frames[:1], variations)
            sources.append((self._title(backbone), [path]))
        further = "" if figure == "figure13" else f"Without blending {_equal(LAMBDA, weak)}."
        titles = ("without blending", "with blending")
        return self._planned(
            figure, sources, [self.clip], cases=self.config.masks, variations=titles, further=further
        )

    def modulated_blocks(self) -> Planned:
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

    def clusters(self) -> Planned:
        """Figure 14, of the first backbone: so many labels cost a video model a pass of the whole batch each."""
        backbone = self.config.backbones[0]
        settings, modulation = self._settings(backbone), self._modulation(backbone)
        variations = [
            (f"{k} clusters", self._coarse(backbone, _with_context(settings, clusters=k), assigned), modulation)
            for assigned in (False, True)
            for k in self.config.clusters
        ]
        path = self._varied(backbone, "clusters", self.config.frames, variations)
        titles = [_equal("K", k) for _ in range(2) for k in self.config.clusters]
        sources = [(self._title(backbone), [path])]
        return self._planned("figure14", sources, [self.clip], backbones=[backbone], variations=titles)


def _with_context(settings: MethodSettings, **changes: Any) -> MethodSettings:
    return settings.model_copy(update={"context": settings.context.model_copy(update=changes)})


def describe(method: str, settings: Mapping[str, MethodSettings]) -> str:
    """A method and its settings in words, for captions: what all backbones share, then what each has for itself.

    Args:
        method: title.
        settings: by title of the backbone.
    """
    return _in_words(f"{method} with", {title: _method_words(one) for title, one in settings.items()})


def describe_queries(settings: Mapping[str, MethodSettings]) -> str:
    """Backbones and the settings of their features in words."""
    words = {title: [f"queries at {_step(one)}"] for title, one in settings.items()}
    return _in_words("With", words)


def _in_words(start: str, words: Mapping[str, list[str]]) -> str:
    lists = list(words.values())
    shared = [word for word in lists[0] if all(word in other for other in lists[1:])]
    told = f"{start} {' and '.join(words)}: {', '.join(shared)}" if shared else start
    for title, own in words.items():
        if rest := [word for word in own if word not in shared]:
            told += f"; {title}: {', '.join(rest)}"
    return f"{told}."


def _method_words(settings: MethodSettings) -> list[str]:
    context, refinement, modulation = settings.context, settings.refinement, settings.upsampling.modulation
    words = [
        f"features of {_blocks(context.blocks)} at {_step(settings)}",
        _equal("K", context.clusters),
        _equal("B", context.batches.size),
    ]
    if refinement is None:
        words.append("no CBR")
    elif refinement.variant == "released":
        words.append("CBR as released")
    else:
        kind = "direct CBR" if refinement.variant == "direct" else "CBR"
        limit = "without limit" if refinement.window is None else f"with {_equal('T', refinement.window)}"
        words.append(f"{kind} {limit}")
    if modulation is None:
        return [*words, f"{settings.upsampling.upsampler} upsampling"]
    through = modulation.blend_through
    return [
        *words,
        f"block {modulation.block} modulated at step {modulation.step} with {_equal(LAMBDA, modulation.strength)}",
        "no latent blending" if through is None else f"latents blended through step {through}",
        "no filter" if settings.upsampling.filter is None else _equal("s", settings.upsampling.filter),
    ]


def _step(settings: MethodSettings) -> str:
    return (
        f"step {settings.features.step} of {settings.sampling.steps} from the noise of step {settings.sampling.start}"
    )


def _blocks(blocks: Sequence[int]) -> str:
    return f"block{'s' if len(blocks) > 1 else ''} {', '.join(map(str, blocks))}"


def _equal(name: str, value: float) -> str:
    """`name = value` that is not broken into lines."""
    return f"{name} = {value:g}".replace(" ", "\N{NO-BREAK SPACE}")
