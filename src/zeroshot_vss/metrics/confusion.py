"""Pooled confusion matrix, IoU of each class and mIoU."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, LabelMap
from zeroshot_vss.metrics.base import AdditiveMetric, Arrays, ratio, total_and_count

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
    return iou_of(marginals(confusion))


def marginals(confusion: Confusion) -> NDArray[np.float64]:
    """All that IoU and accuracy need of a confusion matrix: float64 [3, classes] of hits, true, predicted."""
    return np.stack([np.diagonal(confusion), confusion.sum(axis=1), confusion.sum(axis=0)[:-1]]).astype(np.float64)


def iou_of(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """See `class_iou`: float64 [..., classes] from `marginals`, float64 [..., 3, classes]."""
    hits, true, predicted = np.moveaxis(pixels, -2, 0)
    return ratio(hits, true + predicted - hits)


def mean_iou_of(pixels: NDArray[np.float64], counted: Counted) -> NDArray[np.float64]:
    """See `mean_iou`: float64 [...] from `marginals`, float64 [..., 3, classes]."""
    iou = iou_of(pixels)
    if counted == "truth":
        iou = np.where(pixels[..., 1, :] > 0, iou, np.nan)
    return ratio(*total_and_count(iou))


def mean_iou(confusion: Confusion, counted: Counted = "truth") -> float:
    """Mean IoU.

    Args:
        confusion: int64 [classes, classes + 1].
        counted: classes in the mean. `truth` is the rule of VSPW's program; `occurring` that of cityscapesScripts and
            mmsegmentation. Pixels of a class that is only predicted are misses of their true class in both.

    Returns:
        0..1, or NaN where no class counts.
    """
    return float(mean_iou_of(marginals(confusion), counted))


def pixel_accuracy(confusion: Confusion) -> float:
    """Share of the labelled pixels that are right, 0..1; NaN without labelled pixels."""
    return float(accuracy_of(marginals(confusion)))


def accuracy_of(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """See `pixel_accuracy`: float64 [...] from `marginals`, float64 [..., 3, classes]."""
    return ratio(pixels[..., 0, :].sum(axis=-1), pixels[..., 1, :].sum(axis=-1))


class ConfusionMetric(AdditiveMetric):
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

    def addends(self, clip: Arrays) -> NDArray[np.float64]:
        """See `AdditiveMetric`: the `marginals`, whose sums are those of the summed confusion matrices."""
        return marginals(clip["confusion"]).ravel()

    def figures(self, sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """`miou` and `pixel_accuracy`, 0..1."""
        pixels = sums.reshape(*sums.shape[:-1], 3, -1)
        return {"miou": mean_iou_of(pixels, self.counted), "pixel_accuracy": accuracy_of(pixels)}
