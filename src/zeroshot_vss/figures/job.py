"""What the jobs of the figures are given."""

from __future__ import annotations

from typing import ClassVar

from pydantic import model_validator

from zeroshot_vss.jobs.base import ClipsJob
from zeroshot_vss.jobs.model import ModelJob
from zeroshot_vss.settings.base import NonNegative, Settings
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import MethodUpsampling, Upsampling


class Variation(Settings):
    """Coarse maps and how they are upsampled, for looking at what lies between."""

    title: str
    """As printed above its pictures."""
    coarse: NonNegative = 0
    """Which of the job's coarse results it starts from."""
    upsampler: MethodUpsampling

    @model_validator(mode="after")
    def _modulated(self) -> Variation:
        if self.upsampler.modulation is None:
            raise ValueError(f"variation '{self.title}': only masked modulation can be looked into")
        return self

    def upsampling(self, sampling: Sampling) -> Upsampling:
        """The settings of the upsampling stage."""
        return Upsampling(**self.upsampler.model_dump(), sampling=sampling)


class Inspection(Settings):
    """What is kept of the passes that other stages throw away."""

    sampling: Sampling
    frames: tuple[NonNegative, ...] | None = None
    """Of each clip; those beyond its end are left out. None: all whose label maps are wanted."""
    decoded: bool = False
    """The decoded images of the plain pass."""
    spatial: tuple[int, ...] = ()
    """Blocks whose queries of spatial self-attention are kept; their resolutions may differ."""
    temporal: tuple[int, ...] = ()
    """The same for temporal self-attention, of video models."""
    step: NonNegative = 24
    """Of the queries."""
    variations: tuple[Variation, ...] = ()


class InspectJob(ModelJob):
    """A job of the inspection stage."""

    stage: ClassVar[str] = "inspect"

    settings: Inspection
    frames: str
    """Manifest of the checked frames."""
    coarse: tuple[str, ...] = ()
    """Manifests of the coarse maps that variations start from."""

    def inputs(self) -> list[str]:
        return [self.frames, *self.coarse]


class Source(Settings):
    """Results that a figure shows, one column or one part of it."""

    title: str
    """As printed."""
    manifests: tuple[str, ...] = ()
    folder: str | None = None
    """Of the label maps of another system, in place of manifests."""


class FigureJob(ClipsJob):
    """A figure. What its values mean is said where it is drawn (`stages.figure`)."""

    stage: ClassVar[str] = "figure"

    figure: str
    pdf: str
    png: str
    sources: tuple[Source, ...]
    frames: tuple[NonNegative, ...] = ()
    cases: int = 1
    """How many masks, clips or failures are shown."""
    blocks: tuple[int, ...] = ()
    """One a source: the block whose features are shown, or that the method modulates."""
    tolerance: int = 0
    """Largest change of a static pixel's colour, 0..255."""
    slice_at: float = 0.5
    """Height of the x-t slice's row, from 0 (top) to 1."""
    variations: tuple[str, ...] = ()
    """Titles of the inspected variations, in their order."""
    settings: str
    """Backbones and settings in words, for the caption."""
    captioned: bool = True

    def inputs(self) -> list[str]:
        return [path for source in self.sources for path in source.manifests]

    def outputs(self) -> list[str]:
        return [self.pdf, self.png]
