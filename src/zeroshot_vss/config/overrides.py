"""Overrides: parts of settings that are laid upon others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Overrides = dict[str, Any]


def merge(base: Overrides, over: Mapping[str, Any]) -> Overrides:
    """`over` laid upon `base`: mappings are merged key by key, anything else is replaced."""
    merged = dict(base)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return merged


def nested(dotted: str, value: Any) -> Overrides:
    """Overrides of one setting: `context.clusters` and 5 give `{context: {clusters: 5}}`."""
    for part in reversed(dotted.split(".")):
        value = {part: value}
    return value
