"""Reading the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from zeroshot_vss.config.model import Config
from zeroshot_vss.config.overrides import merge
from zeroshot_vss.config.validation import validated
from zeroshot_vss.errors import InputError

MOST_VALUES, DEEPEST = 100_000, 32
"""More than any configuration needs; a few lines of YAML that name each other can stand for thousands of millions."""


def read_config(values: Mapping[str, Any]) -> Config:
    """The configuration from what the YAML files hold.

    Raises:
        InputError: naming each wrong key and value.
    """
    for key, value in values.items():
        _check_size(key, value)
    return validated(Config, dict(values), "config")


DEFAULTS = ("config.yaml", "methods.yaml", "sweeps.yaml")
"""The shipped configuration, in the folder `config` of the workflow; users' files are laid over it."""


def load_config(overlays: Sequence[Path] = (), home: Path = Path()) -> dict[str, Any]:
    """The shipped configuration with further files laid upon it in their order, as Snakemake merges them.

    Args:
        overlays: YAML files.
        home: folder of the workflow.

    Raises:
        InputError: a file is missing or no YAML of names and values.
    """
    values: dict[str, Any] = {}
    shipped = [home / "config" / name for name in DEFAULTS]
    for path in (*shipped, *overlays):
        try:
            values = merge(values, read_yaml(path))
        except InputError as error:
            advice = "; run it in the folder of the workflow" if path in shipped else ""
            raise InputError(f"{error}{advice}") from error
    return values


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file of names and values.

    Raises:
        InputError: it cannot be read, a key stands twice in one mapping, or it holds something else.
    """
    try:
        read = yaml.load(path.read_text("utf-8"), _Loader)
    except RecursionError as error:
        raise InputError(f"configuration {path} cannot be read (it is nested too deeply)") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise InputError(f"configuration {path} cannot be read ({error})") from error
    if not isinstance(read, dict):
        raise InputError(f"configuration {path} must have keys at its top level, as `datasets:`")
    return read


def _check_size(key: str, value: object) -> None:
    seen, left = 0, [(value, 1)]
    while left:
        one, depth = left.pop()
        seen += 1
        if seen > MOST_VALUES or depth > DEEPEST:
            many = f"more than {MOST_VALUES} values" if seen > MOST_VALUES else f"more than {DEEPEST} levels"
            raise InputError(f"config: {key}: {many}; look for YAML aliases (`*name`) that name each other")
        below = one.values() if isinstance(one, Mapping) else one if isinstance(one, list) else ()
        left += [(each, depth + 1) for each in below]


class _Loader(yaml.SafeLoader):
    """YAML in which no key may stand twice in a mapping: the first would be lost without a word."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark
                    )
                seen.add(key.value)
        return node
