"""The interface of a metric: fed one frame at a time, pooled over clips afterwards."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, LabelMap
from zeroshot_vss.errors import InputError

Arrays = Mapping[str, NDArray[Any]]
"""What a metric keeps of one clip, by name. Names are unique within a protocol."""


class Metric(ABC):
    """An instance takes in the frames of one clip and does not keep them."""

    titles: ClassVar[Mapping[str, str]] = {}
    """Figures that tables show beside those which they know: key of the scores to the title of a column."""

    @abstractmethod
    def update(self, truth: LabelMap | None, prediction: LabelMap | None, where: str) -> None:
        """Take in the next frame.

        Args:
            truth: uint8 [H, W] ids or VOID, checked by `check_ids`; None where the frame is not annotated, and then
                `prediction` is None, too.
            prediction: uint8 [H, W] ids, or VOID where the method gave none; checked likewise.
            where: clip and frame, for messages.
        """

    @abstractmethod
    def arrays(self) -> dict[str, NDArray[Any]]:
        """What the clip's score is made of, small enough to be kept for every clip."""

    @abstractmethod
    def pool(self, clips: Sequence[Arrays]) -> dict[str, float]:
        """Figures over all the clips, from their `arrays`, not from the frames taken in. NaN where undefined."""


def check_ids(ids: LabelMap, classes: int, what: str, where: str, void: bool) -> None:
    """Refuse ids that are no class.

    The official programs add such a pixel to another class's cell, or die.

    Args:
        ids: uint8 [H, W].
        classes: valid ids are 0 .. classes - 1.
        what: what holds the ids ("prediction").
        where: clip and frame.
        void: whether VOID is valid, too.

    Raises:
        InputError: naming the place and the lowest offending id.
    """
    bad = ids >= classes
    if void:
        bad &= ids != VOID
    if not bad.any():
        return
    value = int(ids[bad].min())
    expected = f"0..{classes - 1}" + (f" or {VOID}" if void else "")
    advice = "every pixel needs a class" if value == VOID else "check the label encoding and the protocol"
    raise InputError(f"{where}: the {what} holds id {value}; expected {expected} ({advice})")


def mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN without a warning where there are none."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")
