"""Sweeps in the configuration."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from zeroshot_vss.config.overrides import Overrides, nested
from zeroshot_vss.settings.base import Settings


class SweepConfig(Settings):
    """A method with one setting at several values: a table of its own, and a plot."""

    title: str
    axis: str
    """Of the plot: what varies."""
    method: str
    datasets: tuple[str, ...]
    backbones: tuple[str, ...]
    parameter: str | None = None
    """Dotted name of the setting, and its values; or `variants`."""
    values: tuple[float | int | str | bool | None, ...] = ()
    variants: dict[str, Overrides] = {}
    """Label to overrides, where several settings change together."""
    figures: tuple[str, ...] = ("miou", "mvc8")
    """Figures that are plotted, by their keys in the scores."""

    @model_validator(mode="after")
    def _whole(self) -> SweepConfig:
        if bool(self.variants) == (self.parameter is not None) or bool(self.values) != (self.parameter is not None):
            raise ValueError("a sweep has either a parameter with values, or variants")
        return self

    def overrides(self) -> dict[str, Overrides]:
        """Label of each point to the overrides that make it."""
        if self.parameter is None:
            return self.variants
        return {_label(value): nested(self.parameter, value) for value in self.values}


def _label(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
