"""Correspondence-based refinement."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from zeroshot_vss.settings.base import NonNegative, Settings
from zeroshot_vss.settings.batches import Batches


class Refinement(Settings):
    """Correspondence-based refinement (CBR)."""

    variant: Literal["paper", "released"] = "paper"
    block: NonNegative = 7
    window: float | None = 2.0
    """T of equation 3: matches satisfy |p - q|^2 <= T (cells squared). 2 is one cell in every
    direction; larger for faster motion; none lifts the limit. Only `paper`."""


class Correspondence(Refinement):
    """The correspondence stage."""

    batches: Batches | None = None
    """Set with `released` only, whose tracks start at the first frame of each batch."""

    @model_validator(mode="after")
    def _consistent(self) -> Correspondence:
        if (self.variant == "released") != (self.batches is not None):
            raise ValueError("batches must be given with variant 'released', and only then")
        return self
