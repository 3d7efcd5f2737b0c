"""What the figures are drawn from: label maps, and inspections of what lies between frames and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zeroshot_vss.config.figures import FiguresConfig
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.job import Inspection, InspectJob, Variation
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.upsampling import Modulation

if TYPE_CHECKING:
    from zeroshot_vss.workflow.plan import Plan, Row


class Sources:
    """Manifests that figures are drawn from. The jobs behind them become known to the plan.

    Attributes:
        clip: the clip of the figures that show one.
        coarse: path of an inspection's manifest to those of the coarse maps that it starts from.

    Raises:
        InputError: the configured clip does not exist.
    """

    def __init__(self, plan: Plan, config: FiguresConfig) -> None:
        self.plan, self.config = plan, config
        self.coarse: dict[str, list[str]] = {}
        clips = plan.clips(config.dataset)
        self.clip = clips[0] if config.clip is None else config.clip
        if self.clip not in clips:
            raise InputError(f"config: figures.clip: data set '{config.dataset}' has no clip '{self.clip}'")

    def title(self, backbone: str) -> str:
        """Of a backbone, as printed."""
        return self.plan.config.backbones[backbone].title

    def settings(self, backbone: str, dataset: str | None = None) -> MethodSettings:
        """Settings of the method that is looked into."""
        return self.plan.config.method_settings(self.config.method, backbone, dataset or self.config.dataset)

    def modulation(self, backbone: str) -> Modulation:
        """Its masked modulation. Raises InputError where the method upsamples without one."""
        modulation = self.settings(backbone).upsampling.modulation
        if modulation is None:
            raise InputError(f"config: figures.method: '{self.config.method}' does not upsample by masked modulation")
        return modulation

    def holding(self, dataset: str, manifests: Sequence[str], clips: Sequence[str]) -> list[str]:
        """Those of a stage's manifests that hold some of the clips."""
        parts = self.plan.shards(dataset).values()
        return [path for path, part in zip(manifests, parts, strict=True) if set(part) & set(clips)]

    def rows(self, dataset: str, methods: Sequence[str]) -> list[tuple[str, Row]]:
        """Titles and rows of methods, with every backbone where they have one.

        Other systems are left out where the configuration has no folder of their predictions.
        """
        rows = [(m, self.plan.row(dataset, m, b)) for m in methods for b in self.config.backbones]
        rows = [(m, row) for m, row in rows if self.plan.measured(row)]
        several = len(self.config.backbones) > 1
        return [
            (f"{title} ({self.title(row.backbone)})" if row.backbone and several else title, row)
            for title, row in dict.fromkeys((self.plan.config.method(m).title, row) for m, row in rows)
        ]

    def maps(self, row: Row, clips: Sequence[str]) -> list[str] | str:
        """The manifests of a row's label maps that hold some of the clips, or the folder of another system's."""
        return self.plan.predictions(row) or self.holding(row.dataset, self.plan.maps(row), clips)

    def inspected(self, backbone: str, name: str, settings: Inspection, coarse: Sequence[str] = ()) -> str:
        """The inspection of the clip."""
        dataset = self.config.dataset
        shard = next(shard for shard, part in self.plan.shards(dataset).items() if self.clip in part)
        return self.inspection(dataset, backbone, name, shard, (self.clip,), settings, coarse)

    def inspection(
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

    def coarse_maps(self, backbone: str, settings: MethodSettings, assigned: bool = True) -> str:
        """Manifest of the clip's coarse maps under some settings."""
        manifests = self.plan.method_stages(self.config.dataset, backbone, settings, assigned)["coarse"]
        return self.holding(self.config.dataset, manifests, [self.clip])[0]

    def varied(
        self, backbone: str, name: str, frames: Sequence[int], variations: Sequence[tuple[str, str, Modulation]]
    ) -> str:
        """An inspection of variations: title, coarse manifest and modulation of each."""
        settings = self.settings(backbone)
        coarse = list(dict.fromkeys(path for _, path, _ in variations))
        told = tuple(
            Variation(title=title, coarse=coarse.index(path),
                      upsampler=settings.upsampling.model_copy(update={"modulation": modulation}))
            for title, path, modulation in variations
        )  # fmt: skip
        look = Inspection(sampling=settings.stage_sampling(), frames=tuple(frames), variations=told)
        return self.inspected(backbone, name, look, coarse)

    def block(self, backbone: str) -> int:
        """The block whose features figure 2 shows."""
        chosen = self.config.features
        return chosen.video if self.plan.config.backbones[backbone].kind == "video" else chosen.image

    def queries(self, backbone: str) -> str:
        """The inspection of the first batch's queries."""
        settings = self.settings(backbone)
        kept = tuple(sorted({self.block(backbone), self.config.features.higher}))
        look = Inspection(
            sampling=settings.stage_sampling(), frames=tuple(range(settings.context.batches.size)), spatial=kept,
            temporal=kept if self.plan.config.backbones[backbone].kind == "video" else (),
            step=settings.features.step,
        )  # fmt: skip
        return self.inspected(backbone, "features", look)

    def aggregated(self, backbone: str) -> tuple[list[str], str]:
        """Titles and the inspection of the method with features of single blocks, and of their mean at last."""
        settings, modulation = self.settings(backbone), self.modulation(backbone)
        cached = settings.features.blocks
        chosen = {**{f"block {block}": (block,) for block in cached}, "mean": cached}
        variations = [
            (title, self.coarse_maps(backbone, with_context(settings, blocks=blocks)), modulation)
            for title, blocks in chosen.items()
        ]
        return list(chosen), self.varied(backbone, "blocks", self.config.frames, variations)


def with_context(settings: MethodSettings, **changes: Any) -> MethodSettings:
    """The settings with changes to the context model's."""
    return settings.model_copy(update={"context": settings.context.model_copy(update=changes)})
