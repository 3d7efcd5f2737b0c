"""Tables in the configuration."""

from __future__ import annotations

from typing import Literal

from zeroshot_vss.settings.base import Settings


class TableConfig(Settings):
    """One table: every method on every data set, diffusion methods with every backbone."""

    title: str
    """Above the table."""
    kind: Literal["quality", "settings", "efficiency", "frontier"] = "quality"
    """`quality`: scores. `settings`: those that really ran (table 3). `efficiency`: time, memory and disk (table 4).
    `frontier`: quality, speed and changed pixels against the first method, with a plot."""
    across: Literal["datasets", "backbones"] = "datasets"
    """What the paper's layout of a quality table has across. A frontier with `backbones` compares each method's
    backbones with the first of them, otherwise each backbone's methods."""
    seconds: Literal["features", "correspondences", "coarse", "upsample"] | None = None
    """A stage whose seconds a clip are a further column of a quality table."""
    datasets: tuple[str, ...]
    """By name."""
    backbones: tuple[str, ...]
    """By name, for the methods that have one."""
    methods: tuple[str, ...]
    """By name, in the order of the rows."""
