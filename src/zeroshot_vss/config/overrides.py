"""Overrides: parts of settings that are laid upon others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from zeroshot_vss.settings.method import MethodSettings

Overrides = dict[str, Any]
SINGLE = "single"
"""As `context.blocks`: the backbone's single block, in place of several that are aggregated."""


class _AsMethodSettings:
    """In the JSON schema, overrides have the keys of what they are laid upon."""

    @classmethod
    def __get_pydantic_json_schema__(cls, _: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return handler(MethodSettings.__pydantic_core_schema__)


MethodOverrides = Annotated[Overrides, _AsMethodSettings]
"""Overrides of a method's settings. They are checked when all of them are laid upon each other."""


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
