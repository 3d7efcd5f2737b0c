"""Reading the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeroshot_vss.config.model import Config
from zeroshot_vss.config.validation import validated


def read_config(values: Mapping[str, Any]) -> Config:
    """The configuration from what the YAML files hold.

    Raises:
        InputError: naming each wrong key and value.
    """
    return validated(Config, dict(values), "config")
