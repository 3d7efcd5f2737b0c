"""Correspondence-based refinement."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from zeroshot_vss.settings.base import NonNegative, Settings
from zeroshot_vss.settings.batches import Batches


class Refinement(Settings):
    """Correspondence-based refinement (CBR)."""

    variant: Literal["paper", "released", "direct"] = "paper"
    """`paper`: equations 3 to 5. `released`: the released code's tracks. `direct`: each cell is matched with every
    frame of its batch at once, not from frame to frame, which rounds to whole cells at each step."""
    block: NonNegative = 7
    """Block whose queries are matched."""
    window: Annotated[float, Field(ge=0)] | None = 2.0
    """T of equation 3: matches satisfy |p - q|^2 <= T (cells squared). 2 is one cell in every
    direction; larger for faster motion; null lifts the limit. `direct`: the limit for frames that lie d frames apart
    is T d^2. `released` has none."""


class Correspondence(Refinement):
    """The correspondence stage."""

    batches: Batches | None = None
    """Set but with `paper`, whose matches are those of neighbouring frames whatever the batch."""

    @model_validator(mode="after")
    def _consistent(self) -> Correspondence:
        if (self.variant == "paper") != (self.batches is None):
            raise ValueError("batches must be given with variants 'released' and 'direct', and only then")
        return self
