"""Settings as the name of a folder: every value that a stage depends on, and nothing else.

Two different settings never share a name: numbers keep their type, texts are quoted where they could be mistaken,
and what is too long for a file system is replaced by its digest.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel

from zeroshot_vss.errors import InputError

BETWEEN = "~"
"""Between two settings. A comma would be the natural choice, but Snakemake splits the wildcards that it tells a
submitted job at commas, so that no job would find itself."""
LONGEST = 200
"""Characters of a name; file systems take 255, and `.part` files need some."""


def folder_name(settings: BaseModel | None) -> str:
    """`key=value~...` of all leaves of a settings model, or `none`.

    Raises:
        ValueError: two leaves have the same name (a mistake in the models).
    """
    if settings is None:
        return "none"
    leaves: dict[str, str] = {}
    _collect(settings.model_dump(mode="json"), leaves)
    return shortened(BETWEEN.join(f"{key}={value}" for key, value in leaves.items()))


def shortened(name: str) -> str:
    """A name that is not too long: its end is replaced by a digest of the whole."""
    if len(name) <= LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:16]
    return f"{name[: LONGEST - len(digest) - 7]}{BETWEEN}whole={digest}"


def _collect(values: dict[str, Any], leaves: dict[str, str]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and value and key != "classifier_options":
            _collect(value, leaves)
        elif value is not None and value != {}:
            if key in leaves:
                raise ValueError(f"two settings of one stage are called {key!r}")
            leaves[key] = value_name(value)


def value_name(value: Any) -> str:
    """A value as a part of a name; different values of one setting have different names."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return "+".join(map(value_name, value))
    if isinstance(value, dict):
        # Options of any type: 1, 1.0, "1" and true are different values, as their JSON is.
        pairs = (f"{_escaped(k)}-{_escaped(json.dumps(v, sort_keys=True))}" for k, v in sorted(value.items()))
        return "+".join(pairs)
    # A float is written with all its digits, so that no two share a name: 50.0 is "50", 1e+06 is "1000000.0".
    return _escaped(repr(value).removesuffix(".0") if isinstance(value, float) else str(value))


def _escaped(text: str) -> str:
    """Percent-encoded where the text holds what separates settings, or what paths and shells read otherwise."""
    return quote(text, safe="").replace("~", "%7E")


def expanded(value: Any, where: str, key: str) -> Any:
    """Environment variables in an option's text, so that a folder can be given on the command line.

    Raises:
        InputError: the environment does not set one of them.
    """
    if not isinstance(value, str) or "$" not in value:
        return value
    text = os.path.expandvars(value)
    if "$" in text:
        raise InputError(
            f"data set '{where}': the environment does not set {value}; set it to the folder of the data set, "
            f"or write the folder in the configuration (`datasets: {where}: options: {key}:`)"
        )
    return text
