"""The tables of config/README.md and docs/backbones.md, made from the models and the registry of backbones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zeroshot_vss.backbones import BACKBONES
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

PAGES = ("config/README.md", "docs/backbones.md")
"""Which have tables that are made."""
_TABLE = re.compile(r"(<!-- (?P<what>keys|options|kinds) of (?P<name>.+?) -->\n).*?(<!-- end -->)", re.DOTALL)


def fill(page: str) -> str:
    """A page with its tables made again; each stands between `<!-- WHAT of NAME -->` and `<!-- end -->`.

    `keys of` a part of the configuration, `options of` a kind of backbones, or `kinds of backbones`.
    """
    make = {"keys": table, "options": options, "kinds": kinds}
    return _TABLE.sub(lambda match: f"{match[1]}{make[match['what']](match['name'])}{match[4]}", page)


def kinds(_: str) -> str:
    """The table of the kinds of backbones."""
    head = ["| kind | models | folder | full resolution | run here with |", "|---|---|---|---|---|"]
    known = {name: BACKBONES.load(name) for name in BACKBONES}
    rows = [
        f"| `{name}` | {kind.examples} | {kind.shape.split()[1]} | "
        f"{'masked modulation' if kind.unmodulated is None else 'interpolation'} | {kind.run_with} |"
        for name, kind in known.items()
    ]
    return "\n".join([*head, *rows]) + "\n"


def options(kind: str) -> str:
    """The table of a kind's options."""
    rows = [f"| `{key}` | {default} | {text} |" for key, default, text in _rows(kind, BACKBONES.load(kind).options)]
    return "\n".join([f"| option of `{kind}` | default | meaning |", "|---|---|---|", *rows]) + "\n"


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
