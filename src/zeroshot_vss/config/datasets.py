"""Data sets in the configuration."""

from __future__ import annotations

from typing import Any

from zeroshot_vss.config.overrides import MethodOverrides
from zeroshot_vss.settings.base import Settings


class DataSetConfig(Settings):
    """One data set."""

    kind: str
    """A reader: scenes, vspw, camvid, ..."""
    title: str
    """As printed in tables."""
    protocol: str
    """How it is scored, by name ([docs/metrics.md](../docs/metrics.md))."""
    options: dict[str, Any] = {}
    """The reader's own (below). Environment variables in them are expanded: `root: $VSPW_ROOT`."""
    settings: MethodOverrides = {}
    """Overrides of method settings that these clips need: more clusters, a lower height."""
