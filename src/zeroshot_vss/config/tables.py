"""Tables in the configuration."""

from __future__ import annotations

from typing import Literal

from zeroshot_vss.settings.base import Settings


class TableConfig(Settings):
    """One table: every method on every data set, diffusion methods with every backbone."""

    title: str
    kind: Literal["quality", "settings", "efficiency", "frontier"] = "quality"
    """Scores; the settings that really ran (table 3); time, memory and disk (table 4); quality against speed."""
    across: Literal["datasets", "backbones"] = "datasets"
    """What the paper's layout of a quality table has across. A frontier with `backbones` compares each method's
    backbones with the first of them, otherwise each backbone's methods."""
    seconds: Literal["features", "correspondences", "coarse", "upsample"] | None = None
    """A stage whose seconds a clip are a further column of a quality table."""
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    methods: tuple[str, ...]
