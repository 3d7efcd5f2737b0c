"""The JSON schema of configuration files, made from the models."""

from __future__ import annotations

import json
from typing import Any

from zeroshot_vss.config.model import Config
from zeroshot_vss.config.overrides import SINGLE

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def config_schema() -> dict[str, Any]:
    """The schema of one configuration file.

    Files are laid upon each other, so that no key is required in any of them; keys that no model has are errors.
    """
    schema = Config.model_json_schema()
    blocks = schema["$defs"]["ContextModel"]["properties"]["blocks"]
    taken = {key: blocks.pop(key) for key in ("type", "items", "minItems")}
    blocks["anyOf"] = [taken, {"const": SINGLE}]
    for name in ("datasets", "backbones"):
        # As in the other files: null takes those of the scope.
        key = schema["$defs"]["SweepConfig"]["properties"][name]
        key["anyOf"] = [{part: key.pop(part) for part in ("type", "items")}, {"type": "null"}]
    partial = _without_required(schema)
    return {"$schema": _DIALECT, **partial, "title": "Configuration of zeroshot_vss"}


def schema_text() -> str:
    """The schema as config/schema.json holds it."""
    return json.dumps(config_schema(), indent=1, ensure_ascii=False) + "\n"


def _without_required(part: Any) -> Any:
    """The same with no key required, and without titles that repeat the key."""
    if isinstance(part, list):
        return [_without_required(one) for one in part]
    if not isinstance(part, dict):
        return part
    kept = {
        key: value
        for key, value in part.items()
        if not (key == "required" and isinstance(value, list)) and not (key == "title" and isinstance(value, str))
    }
    return {
        key: " ".join(value.split()) if key == "description" and isinstance(value, str) else _without_required(value)
        for key, value in kept.items()
    }
