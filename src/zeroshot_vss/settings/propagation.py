"""Label propagation."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeroshot_vss.settings.base import Positive, Settings


class Propagation(Settings):
    """Label propagation (Jabri et al. 2020), with their numbers of frames and neighbours."""

    frames: Positive = 7
    """Frames before each frame whose cells vote on its own, beside the first."""
    neighbours: Positive = 10
    """Cells of these frames that vote on each cell: those of the most similar tokens."""
    temperature: Annotated[float, Field(gt=0)] = 0.1
    """Of the softmax over their cosine similarities, by which they are weighted."""
