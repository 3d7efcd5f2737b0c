"""Data sets in the configuration."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from zeroshot_vss.config.overrides import MethodOverrides
from zeroshot_vss.datasets import DATASETS
from zeroshot_vss.metrics.protocols import PROTOCOLS
from zeroshot_vss.settings.base import Settings


class DataSetConfig(Settings):
    """One data set."""

    kind: Annotated[str, AfterValidator(DATASETS.known)]
    """A reader: scenes, vspw, camvid, ..."""
    title: str
    """As printed in tables."""
    protocol: Annotated[str, AfterValidator(PROTOCOLS.known)]
    """How it is scored, by name ([docs/metrics.md](../docs/metrics.md))."""
    options: dict[str, Any] = {}
    """The reader's own (below). Environment variables in them are expanded: `root: $VSPW_ROOT`."""
    settings: MethodOverrides = {}
    """Overrides of method settings that these clips need: more clusters, a lower height."""
