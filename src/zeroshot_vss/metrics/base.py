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

    def pool_draws(self, clips: Sequence[Arrays], counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """Figures of many draws of clips, as `pool` has them of each.

        Args:
            clips: `arrays` of n clips.
            counts: int64 [draws, n], how often each draw holds each clip; each holds one at least.

        Returns:
            float64 [draws] of each figure.
        """
        drawn = [
            [clip for clip, times in zip(clips, row, strict=True) for _ in range(times)] for row in counts.tolist()
        ]
        figures = [self.pool(draw) for draw in drawn]
        return {name: np.array([of_draw[name] for of_draw in figures], np.float64) for name in figures[0]}


class AdditiveMetric(Metric):
    """A metric whose pooled figures follow from sums over clips, so that many draws are one product of matrices."""

    @abstractmethod
    def addends(self, clip: Arrays) -> NDArray[np.float64]:
        """What of a clip is summed over clips: float64 [k]."""

    @abstractmethod
    def figures(self, sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """Figures, float64 [...] each, of summed `addends`, float64 [..., k]. NaN where undefined."""

    def pool(self, clips: Sequence[Arrays]) -> dict[str, float]:
        """See `Metric`."""
        figures = self.figures(np.sum([self.addends(clip) for clip in clips], axis=0))
        return {name: float(figure) for name, figure in figures.items()}

    def pool_draws(self, clips: Sequence[Arrays], counts: NDArray[np.int64]) -> dict[str, NDArray[np.float64]]:
        """See `Metric`."""
        return self.figures(counts.astype(np.float64) @ np.stack([self.addends(clip) for clip in clips]))


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


def ratio(total: NDArray[Any], count: NDArray[Any]) -> NDArray[np.float64]:
    """`total` / `count`, of one shape; NaN where the count is 0."""
    undefined = np.full(np.shape(count), np.nan)
    return np.divide(total, count, out=undefined, where=np.asarray(count) > 0)


def total_and_count(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sum and number of the values of the last axis that are not NaN."""
    return np.nansum(values, axis=-1), np.count_nonzero(~np.isnan(values), axis=-1)


def mean(values: NDArray[np.float64]) -> float:
    """Mean of the values that are not NaN; NaN without a warning where there are none."""
    return float(ratio(*total_and_count(values.ravel())))
