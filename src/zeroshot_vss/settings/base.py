"""What all settings share: unknown keys and wrong types are errors."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

NonNegative = Annotated[int, Field(ge=0)]


Positive = Annotated[int, Field(ge=1)]


Switch = Annotated[Literal[True] | None, BeforeValidator(lambda value: value or None)]
"""A shortcut that is off by default; None when off, so that it is part of a path only where it is on."""


class Settings(BaseModel):
    """Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)
