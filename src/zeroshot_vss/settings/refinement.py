"""Correspondence-based refinement."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from zeroshot_vss.settings.base import NonNegative, Settings
from zeroshot_vss.settings.batches import Batches


class Refinement(Settings):
    """Correspondence-based refinement (CBR)."""

    variant: Literal["paper", "released"] = "paper"
    """`paper`: the equations. `released`: what the authors' code does."""
    block: NonNegative = 7
    """Block whose queries are matched."""
    window: Annotated[float, Field(ge=0)] | None = 2.0
    """T of equation 3: matches satisfy |p - q|^2 <= T (cells squared). 2 is one cell in every
    direction; larger for faster motion; null lifts the limit. Only `paper`."""


class Correspondence(Refinement):
    """The correspondence stage."""

    batches: Batches | None = None
    """Set with `released` only, whose tracks start at the first frame of each batch."""

    @model_validator(mode="after")
    def _consistent(self) -> Correspondence:
        if (self.variant == "released") != (self.batches is not None):
            raise ValueError("batches must be given with variant 'released', and only then")
        return self
