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


def read_config(values: Mapping[str, Any]) -> Config:
    """The configuration from what the YAML files hold.

    Raises:
        InputError: naming each wrong key and value.
    """
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
            content = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            advice = "; run it in the folder of the workflow" if path in shipped else ""
            raise InputError(f"configuration {path} cannot be read ({error}){advice}") from error
        if not isinstance(content, dict):
            raise InputError(f"configuration {path} must have keys at its top level, as `datasets:`")
        values = merge(values, content)
    return values
