"""The figures in the configuration."""

from __future__ import annotations

from pydantic import Field

from zeroshot_vss.settings.base import Clusters, NonNegative, Positive, Settings

Frames = tuple[NonNegative, ...]


class OverviewConfig(Settings):
    """The overview figure."""

    dataset: str
    """A data set, by name."""
    backbone: str
    """Of the methods that have one."""
    clips: NonNegative = 3
    """How many, from the first on."""
    frames: Frames = (0, 9, 18, 27)
    """Which, of each clip."""
    methods: tuple[str, ...]
    """One row each."""


class OverTimeConfig(Settings):
    """Figure 1."""

    methods: tuple[str, ...]
    """One row each."""
    frames: Frames = (0, 5, 10, 16, 21, 27)
    """Of the clip."""


class ComparisonConfig(Settings):
    """Figure 5."""

    methods: tuple[str, ...]
    """One row each."""
    clips: Positive = 2
    """How many, from the first on."""
    frames: Frames = (0, 9, 18, 27)
    """Of each clip."""


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
    """Where failures are looked for; by default that of the other figures."""
    cases: Positive = 2
    """How many are shown, of each backbone."""
    tolerance: NonNegative = 8
    """Change of colour, 0..255, up to which a pixel counts as static: that of sensor noise."""


class FiguresConfig(Settings):
    """The paper's figures. Frames beyond a clip's end are left out."""

    dataset: str
    """Whose clips are shown."""
    backbones: tuple[str, ...] = Field(min_length=1)
    """All of them where a figure compares backbones, otherwise the first."""
    method: str = "ours"
    """The method that is looked into."""
    clip: str | None = None
    """Of the figures that show one; by default the first."""
    frames: Frames = Field(default=(0, 13), min_length=1)
    """Those that are looked into; figures of one frame take the first."""
    masks: Positive = 2
    """How many figures 12 and 13 show, of each backbone."""
    over_time: OverTimeConfig
    """Figure 1."""
    comparison: ComparisonConfig
    """Figure 5."""
    features: FeaturesConfig = FeaturesConfig()
    """Figures 2 and 15."""
    failures: FailuresConfig = FailuresConfig()
    """Figures 8, 9 and 10."""
    modulated_blocks: tuple[NonNegative, ...] = (3, 4, 5, 6, 7, 8, 9, 10, 11)
    """The blocks of figure 11."""
    strength_without_blending: float = 10.0
    """lambda of the passes without latent blending in figures 7 and 12."""
    clusters: tuple[Clusters, ...] = (5, 10, 20, 30)
    """The numbers of clusters of figure 14."""
    captions: bool = True
    """Whether each figure says below what it shows; off where a paper has captions of its own."""

    def named_methods(self) -> list[str]:
        """All methods that the figures need."""
        return [self.method, *self.over_time.methods, *self.comparison.methods]

    def named_datasets(self) -> list[str]:
        """All data sets that the figures need."""
        return [self.dataset, *([self.failures.dataset] if self.failures.dataset else [])]
