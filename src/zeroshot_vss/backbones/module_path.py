"""Paths of modules that a configuration names, with a place for the number of the block."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

BLOCK = "{block}"


def _with_block(path: str) -> str:
    if path.count(BLOCK) != 1:
        raise ValueError(f"'{path}' must have {BLOCK} once, where the number of the block stands")
    return path


ModulePath = Annotated[str, AfterValidator(_with_block)]
"""Such a path: `encoder.layer.{block}.mlp`."""


def path_of(path: str, block: int) -> str:
    """The path of one block's module."""
    return path.replace(BLOCK, str(block))
