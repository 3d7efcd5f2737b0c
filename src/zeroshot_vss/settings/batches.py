"""How a clip is cut into batches."""

from __future__ import annotations

from typing import Literal

from zeroshot_vss.settings.base import Positive, Settings


class Batches(Settings):
    """How a clip is cut into batches."""

    size: Positive = 14
    """B. Larger batches train the context model on more frames; 14 is SVD's training length."""
    last: Literal["short", "shifted"] = "short"
    """A last batch that is not full is `short`, or (`released`) `shifted` back to be full; then the frames of
    the overlap are done twice and the later result stands."""
