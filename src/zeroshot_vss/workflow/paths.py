"""Settings as the name of a folder: every value that a stage depends on, and nothing else."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

BETWEEN = "~"
"""Between two settings. A comma would be the natural choice, but Snakemake splits the wildcards that it tells a
submitted job at commas, so that no job would find itself."""


def spell(settings: BaseModel | None) -> str:
    """`key=value~...` of all leaves of a settings model, or `none`.

    Raises:
        ValueError: two leaves have the same name (a mistake in the models).
    """
    if settings is None:
        return "none"
    leaves: dict[str, str] = {}
    _collect(settings.model_dump(mode="json"), leaves)
    return BETWEEN.join(f"{key}={value}" for key, value in leaves.items())


def _collect(values: dict[str, Any], leaves: dict[str, str]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and value and key != "classifier_options":
            _collect(value, leaves)
        elif value is not None and value != {}:
            if key in leaves:
                raise ValueError(f"two settings of one stage are called {key!r}")
            leaves[key] = _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "+".join(_text(part) for part in value)
    if isinstance(value, dict):
        return "+".join(f"{k}-{_text(v)}" for k, v in sorted(value.items()))
    # All digits of a number, so that no two share a path: 50.0 is "50", 1e+06 is "1000000".
    text = repr(value).removesuffix(".0").replace("+", "") if isinstance(value, float) else str(value)
    return "".join(c if c.isalnum() or c in ".-_" else "-" for c in text)
