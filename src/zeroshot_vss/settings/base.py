"""What all settings share: unknown keys and wrong types are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
"""NumPy and scikit-learn take 32 bits."""
Clusters = Annotated[int, Field(ge=1, le=255)]
"""Numbers of clusters: label maps hold 8 bits, and 255 stands for no label."""
Blocks = Annotated[tuple[NonNegative, ...], Field(min_length=1)]
"""Blocks of the UNet's decoder, from 0."""

Switch = Annotated[Literal[True] | None, BeforeValidator(lambda value: value or None)]
"""A shortcut that is off by default; None when off, so that it is part of a path only where it is on."""


class Settings(BaseModel):
    """Unknown keys, wrong types, infinity and NaN are errors. A field's docstring is its description.

    The descriptions of what a configuration may hold make the tables of config/README.md and config/schema.json.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)
