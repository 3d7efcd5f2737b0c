"""Pooled confusion matrix, IoU of each class and mIoU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, LabelMap
from zeroshot_vss.metrics.base import Arrays, Metric, mean

Confusion = NDArray[np.int64]
"""[classes, classes + 1]: truth by row, prediction by column; the last column counts pixels without prediction."""
Counted = Literal["truth", "occurring"]
"""Classes in the mean: those with ground truth (VSPW's rule), or also those only predicted, whose IoU is 0."""


def confusion_matrix(truth: LabelMap, prediction: LabelMap, classes: int) -> Confusion:
    """Count pixels by true and predicted class.

    Args:
        truth: uint8, any shape: 0 .. classes - 1, or VOID, which is left out.
        prediction: uint8, of the same shape: 0 .. classes - 1, or VOID for pixels that the method could not label;
            these are misses of the true class and never another class's false alarms.
        classes: number of classes, at most 255.

    Returns:
        int64 [classes, classes + 1].

    Raises:
        ValueError: a labelled pixel holds another id. `check_ids` says where.
    """
    labelled = truth != VOID
    rows = truth[labelled].astype(np.int64)
    columns = prediction[labelled].astype(np.int64)
    unlabelled = columns == VOID
    if (rows >= classes).any() or ((columns >= classes) & ~unlabelled).any():
        raise ValueError(f"ids 0..{classes - 1} or {VOID} expected")
    columns[unlabelled] = classes
    counts = np.bincount(rows * (classes + 1) + columns, minlength=classes * (classes + 1))
    return counts.reshape(classes, classes + 1).astype(np.int64)


def class_iou(confusion: Confusion) -> NDArray[np.float64]:
    """IoU of each class: M_cc / (row_c + column_c - M_cc).

    Args:
        confusion: int64 [classes, classes + 1].

    Returns:
        float64 [classes] in 0..1; 0 for a class that is only predicted, NaN for one that does not occur.
    """
    hits = np.diagonal(confusion).astype(np.float64)
    union = confusion.sum(axis=1) + confusion.sum(axis=0)[:-1] - hits
    return np.divide(hits, union, out=np.full(len(hits), np.nan), where=union > 0)


def mean_iou(confusion: Confusion, counted: Counted = "truth") -> float:
    """Mean IoU.

    Args:
        confusion: int64 [classes, classes + 1].
        counted: classes in the mean. `truth` is the rule of VSPW's program; `occurring` that of cityscapesScripts and
            mmsegmentation. Pixels of a class that is only predicted are misses of their true class in both.

    Returns:
        0..1, or NaN where no class counts.
    """
    iou = class_iou(confusion)
    if counted == "truth":
        iou = iou[confusion.sum(axis=1) > 0]
    return mean(iou)


def pixel_accuracy(confusion: Confusion) -> float:
    """Share of the labelled pixels that are right, 0..1; NaN without labelled pixels."""
    total = int(confusion.sum())
    return float(np.trace(confusion)) / total if total else float("nan")


class ConfusionMetric(Metric):
    """mIoU and pixel accuracy over all pixels of all frames of all clips."""

    def __init__(self, classes: int, counted: Counted = "truth") -> None:
        self.classes = classes
        self.counted: Counted = counted
        self._confusion: Confusion = np.zeros((classes, classes + 1), np.int64)

    def update(self, truth: LabelMap | None, prediction: LabelMap | None, where: str) -> None:
        """See `Metric`."""
        if truth is None or prediction is None:
            return
        self._confusion += confusion_matrix(truth, prediction, self.classes)

    def arrays(self) -> dict[str, Confusion]:
        """`confusion`."""
        return {"confusion": self._confusion}

    def pool(self, clips: Sequence[Arrays]) -> dict[str, float]:
        """`miou` and `pixel_accuracy`, 0..1."""
        pooled: Confusion = np.sum([clip["confusion"] for clip in clips], axis=0)
        return {"miou": mean_iou(pooled, self.counted), "pixel_accuracy": pixel_accuracy(pooled)}
