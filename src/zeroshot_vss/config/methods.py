"""Methods in the configuration."""

from __future__ import annotations

from zeroshot_vss.config.overrides import MethodOverrides
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.segmenter import Segmenter


class MethodConfig(Settings):
    """One method: overrides of the defaults, a baseline, a supervised network, or another system's predictions."""

    title: str
    """As printed in tables."""
    supervision: str = "zero-shot"
    """As printed in tables."""
    protocol: str = "paper"
    """A named set of overrides under `protocols:`, taken first."""
    settings: MethodOverrides = {}
    """Overrides of the method's settings (below)."""
    baseline: Baseline | None = None
    """Set for methods without a diffusion model; `settings` is not used then."""
    segmenter: Segmenter | None = None
    """Set for supervised networks that label each frame alone."""
    predictions: dict[str, str] | None = None
    """Set for other systems: data set to a folder of label maps, `<folder>/<clip>/<frame>.png`. Without a folder a
    table shows the published figures of the row alone. A `model-index.yml` in it is verified
    ([docs/leaderboard.md](../docs/leaderboard.md))."""

    @property
    def has_backbone(self) -> bool:
        """Whether the method runs a diffusion model."""
        return self.baseline is None and self.segmenter is None and self.predictions is None
