"""The tables of config/README.md, made from the models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zeroshot_vss.config.backbones import BackboneConfig
from zeroshot_vss.config.clips import ClipsConfig
from zeroshot_vss.config.datasets import DataSetConfig
from zeroshot_vss.config.figures import FiguresConfig, OverviewConfig
from zeroshot_vss.config.methods import MethodConfig
from zeroshot_vss.config.model import Config
from zeroshot_vss.config.own_clip import OwnClip
from zeroshot_vss.config.sweeps import ScopeConfig, SweepConfig
from zeroshot_vss.config.tables import TableConfig
from zeroshot_vss.config.validation import models_in
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.segmenter import Segmenter

TABLES: dict[str, type[BaseModel]] = {
    "top level": Config, "compute": Compute, "datasets.<name>": DataSetConfig, "backbones.<name>": BackboneConfig,
    "methods.<name>": MethodConfig, "tables.<name>": TableConfig, "sweep_scopes.<name>": ScopeConfig,
    "sweeps.<name>": SweepConfig, "overview": OverviewConfig, "figures": FiguresConfig, "clips.<name>": OwnClip,
    "user_clips": ClipsConfig,
    "settings": MethodSettings, "baseline": Baseline, "segmenter": Segmenter,
}  # fmt: skip
"""The models of which the manual has a table, by its name there."""

_TABLE = re.compile(r"(<!-- keys of (?P<name>.+?) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)


def fill(manual: str) -> str:
    """The manual with its tables made again; each stands between `<!-- keys of NAME -->` and `<!-- end -->`."""
    return _TABLE.sub(lambda match: f"{match[1]}{table(match['name'])}{match[4]}", manual)


def table(name: str) -> str:
    """The table of a model in Markdown: each key, its default, and what it means."""
    rows = [f"| `{key}` | {default} | {text} |" for key, default, text in _rows(name, TABLES[name])]
    return "\n".join([f"| key of `{name}` | default | meaning |", "|---|---|---|", *rows]) + "\n"


def _rows(name: str, model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    for key, field in model.model_fields.items():
        inner = models_in([field.annotation])
        yield prefix + key, _default(field), " ".join((field.description or "").split()).replace("|", "\\|")
        # Parts that have no table of their own have their keys here, below their own.
        if len(inner) == 1 and inner[0] not in TABLES.values():
            yield from _rows(name, inner[0], f"{prefix}{key}.")


def _default(field: FieldInfo) -> str:
    """A default as YAML has it; nothing where a key must be given or has keys of its own."""
    value: Any = field.get_default(call_default_factory=True)
    if field.is_required() or isinstance(value, BaseModel):
        return ""
    return json.dumps(list(value) if isinstance(value, tuple) else value, ensure_ascii=False).replace('"', "")
