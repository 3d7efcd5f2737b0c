"""Sweeps in the configuration."""

from __future__ import annotations

from typing import Any

from pydantic import model_validator

from zeroshot_vss.config.names import all_known
from zeroshot_vss.config.overrides import MethodOverrides, Overrides, nested
from zeroshot_vss.settings.base import Settings

DEFAULT_SCOPE = "default"


class ScopeConfig(Settings):
    """What sweeps run on."""

    datasets: tuple[str, ...]
    """By name."""
    backbones: tuple[str, ...]
    """By name."""


class SweepConfig(Settings):
    """A method with one setting at several values: a table of its own, and a plot."""

    title: str
    """Above the table and the plot."""
    axis: str
    """Of the plot: what varies."""
    method: str
    """The method that is varied, by name."""
    scope: str = DEFAULT_SCOPE
    """The `sweep_scopes` that says on what it runs."""
    datasets: tuple[str, ...]
    """By default those of the scope."""
    backbones: tuple[str, ...]
    """By default those of the scope."""
    parameter: str | None = None
    """Dotted name of the setting that has the `values`: `context.clusters`."""
    values: tuple[float | int | str | bool | None, ...] = ()
    """Of the setting; null where it has none."""
    variants: dict[str, MethodOverrides] = {}
    """In place of `parameter` and `values`: label to overrides, where several settings change together."""
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


def inherited(name: str, sweep: Any, scopes: dict[str, Any]) -> Any:
    """A sweep as it is written, with the data sets and backbones of its scope where it has none of its own.

    Raises:
        ValueError: there is no such scope.
    """
    if not isinstance(sweep, dict):
        return sweep
    own = {key: value for key, value in sweep.items() if value is not None or key not in ("datasets", "backbones")}
    if "datasets" in own and "backbones" in own:
        return own
    scope = str(own.get("scope", DEFAULT_SCOPE))
    all_known(f"sweeps.{name}.scope", [scope], scopes)
    return {**scopes[scope], **own} if isinstance(scopes[scope], dict) else own


def _label(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
