"""What the figures are drawn from: label maps, and inspections of what lies between frames and label maps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zeroshot_vss.config.figures import FiguresConfig
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.job import Inspection, InspectJob, Variation
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.upsampling import Modulation
from zeroshot_vss.workflow.rows import is_measured, make_row

if TYPE_CHECKING:
    from zeroshot_vss.jobs.base import Parts
    from zeroshot_vss.workflow.rows import Row
    from zeroshot_vss.workflow.stages import Stages


class Sources:
    """Manifests that figures are drawn from. The jobs behind them become known to the plan.

    Attributes:
        clip: the clip of the figures that show one.

    Raises:
        InputError: the configured clip does not exist.
    """

    def __init__(self, stages: Stages, config: FiguresConfig) -> None:
        self.stages, self.config = stages, config
        clips = stages.clips(config.dataset)
        self.clip = clips[0] if config.clip is None else config.clip
        if self.clip not in clips:
            raise InputError(f"config: figures.clip: data set '{config.dataset}' has no clip '{self.clip}'")

    def title(self, backbone: str) -> str:
        """Of a backbone, as printed."""
        return self.stages.config.backbones[backbone].title

    def settings(self, backbone: str, dataset: str | None = None) -> MethodSettings:
        """Settings of the method that is looked into."""
        return self.stages.config.method_settings(self.config.method, backbone, dataset or self.config.dataset)

    def modulation(self, backbone: str) -> Modulation:
        """Its masked modulation. Raises InputError where the method upsamples without one."""
        modulation = self.settings(backbone).upsampling.modulation
        if modulation is None:
            raise InputError(f"config: figures.method: '{self.config.method}' does not upsample by masked modulation")
        return modulation

    def manifests_with(self, dataset: str, made: Parts, clips: Sequence[str]) -> list[str]:
        """Those of a stage's manifests that hold some of the clips."""
        parts = self.stages.parts(dataset).values()
        return [path for path, part in zip(made.paths(), parts, strict=True) if set(part) & set(clips)]

    def rows(self, dataset: str, methods: Sequence[str]) -> list[tuple[str, Row]]:
        """Titles and rows of methods, with every backbone where they have one.

        Other systems are left out where the configuration has no folder of their predictions.
        """
        config = self.stages.config
        rows = [(m, make_row(config, dataset, m, b)) for m in methods for b in self.config.backbones]
        rows = [(m, row) for m, row in rows if is_measured(config, row)]
        several = len(self.config.backbones) > 1
        return [
            (f"{title} ({self.title(row.backbone)})" if row.backbone and several else title, row)
            for title, row in dict.fromkeys((self.stages.config.method(m).title, row) for m, row in rows)
        ]

    def maps(self, row: Row, clips: Sequence[str]) -> list[str] | str:
        """The manifests of a row's label maps that hold some of the clips, or the folder of another system's."""
        made = self.stages.maps(row)
        return self.stages.predictions(row) or "" if made is None else self.manifests_with(row.dataset, made, clips)

    def inspected(self, backbone: str, name: str, settings: Inspection, coarse: Sequence[str] = ()) -> str:
        """The inspection of the clip."""
        dataset = self.config.dataset
        part = self.stages.part_of(dataset, self.clip)
        return self.inspection(dataset, backbone, name, part, (self.clip,), settings, coarse)

    def inspection(
        self, dataset: str, backbone: str, name: str, part: str, clips: tuple[str, ...], settings: Inspection,
        coarse: Sequence[str] = (),
    ) -> str:  # fmt: skip
        """Manifest of an inspection of some clips of a part."""
        model = self.stages.model(backbone)
        return self.stages.add(
            InspectJob, self.stages.reader(dataset), *self.stages.network(backbone), **model,
            dataset=self.stages.job_dataset(dataset, clips), clips=clips, settings=settings,
            frames=self.stages.check(dataset, part).frames, coarse=tuple(coarse),
            manifest=f"{self.stages.results}/inspect/{self.stages.place(dataset)}/{backbone}/{name}/{part}.json",
        ).manifest  # fmt: skip

    def coarse_maps(self, backbone: str, settings: MethodSettings, assigned: bool = True) -> str:
        """Manifest of the clip's coarse maps under some settings."""
        made = self.stages.of_method(self.config.dataset, backbone, settings, assigned)["coarse"]
        return self.manifests_with(self.config.dataset, made, [self.clip])[0]

    def varied(
        self, backbone: str, name: str, frames: Sequence[int], variations: Sequence[tuple[str, str, Modulation]]
    ) -> str:
        """An inspection of variations: title, coarse manifest and modulation of each."""
        settings = self.settings(backbone)
        coarse = list(dict.fromkeys(path for _, path, _ in variations))
        varied_settings = tuple(
            Variation(title=title, coarse=coarse.index(path),
                      upsampler=settings.upsampling.model_copy(update={"modulation": modulation}))
            for title, path, modulation in variations
        )  # fmt: skip
        look = Inspection(sampling=settings.stage_sampling(), frames=tuple(frames), variations=varied_settings)
        return self.inspected(backbone, name, look, coarse)

    def block(self, backbone: str) -> int:
        """The block whose features figure 2 shows."""
        chosen = self.config.features
        return chosen.video if self.stages.config.backbones[backbone].kind == "video" else chosen.image

    def queries(self, backbone: str) -> str:
        """The inspection of the first batch's queries."""
        settings = self.settings(backbone)
        kept = tuple(sorted({self.block(backbone), self.config.features.higher}))
        look = Inspection(
            sampling=settings.stage_sampling(), frames=tuple(range(settings.context.batches.size)), spatial=kept,
            temporal=kept if self.stages.config.backbones[backbone].kind == "video" else (),
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
