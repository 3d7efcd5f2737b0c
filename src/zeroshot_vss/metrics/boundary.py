"""The boundary measure F of DAVIS (Perazzi et al. 2016), and its mean over the classes of a label map."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray
from skimage.morphology import disk

from zeroshot_vss.datasets.base import VOID, LabelMap
from zeroshot_vss.metrics.base import AdditiveMetric, Arrays, ratio

TOLERANCE = 0.008
"""Distance up to which boundaries match, as a share of the image diagonal."""


def boundary_map(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels that differ from their right, lower or lower-right neighbour.

    The last row is compared to the right only, the last column downwards only; the corner is never a boundary.

    Args:
        mask: bool [H, W].

    Returns:
        bool [H, W].
    """
    edges = np.zeros_like(mask)
    edges[:, :-1] |= mask[:, :-1] != mask[:, 1:]
    edges[:-1, :] |= mask[:-1, :] != mask[1:, :]
    edges[:-1, :-1] |= mask[:-1, :-1] != mask[1:, 1:]
    return edges


def boundary_radius(size: tuple[int, int]) -> int:
    """ceil(0.008 * diagonal) pixels for an image of the given height and width."""
    return math.ceil(TOLERANCE * math.hypot(*size))


def boundary_f(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """F = 2PR / (P + R) of the boundaries of two masks, 0..1.

    P is the share of the predicted boundary within `boundary_radius` of the true one, R the converse. Without a
    predicted boundary P = 1 and without a true one R = 1; the other of the two is then 0, unless both are missing.

    Args:
        truth: bool [H, W].
        prediction: bool [H, W].
    """
    true_edges, predicted_edges = boundary_map(truth), boundary_map(prediction)
    true_count, predicted_count = np.count_nonzero(true_edges), np.count_nonzero(predicted_edges)
    if true_count == 0 or predicted_count == 0:
        return float(true_count == predicted_count)
    element = disk(boundary_radius((truth.shape[0], truth.shape[1])))
    near_true = cv2.dilate(true_edges.astype(np.uint8), element) > 0
    near_predicted = cv2.dilate(predicted_edges.astype(np.uint8), element) > 0
    precision = np.count_nonzero(predicted_edges & near_true) / predicted_count
    recall = np.count_nonzero(true_edges & near_predicted) / true_count
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def mean_boundary_f(truth: LabelMap, prediction: LabelMap, classes: int) -> float:
    """Mean of `boundary_f` over the classes in the truth of a frame.

    Predictions on void are cleared first (the way of DAVIS' own treatment of void), so that what a method puts there
    makes no false boundary.

    Args:
        truth: uint8 [H, W], 0 .. classes - 1 or VOID.
        prediction: uint8 [H, W].
        classes: number of classes.

    Returns:
        0..1, or NaN where the truth has no class.
    """
    known = truth != VOID
    present = [label for label in np.unique(truth) if label < classes]
    scores = [boundary_f(truth == label, (prediction == label) & known) for label in present]
    return sum(scores) / len(scores) if scores else float("nan")


class BoundaryMetric(AdditiveMetric):
    """Mean of `mean_boundary_f` over all annotated frames of all clips."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._sum = 0.0
        self._frames = 0

    def update(self, truth: LabelMap | None, prediction: LabelMap | None, where: str) -> None:
        """See `Metric`."""
        if truth is None or prediction is None:
            return
        score = mean_boundary_f(truth, prediction, self.classes)
        if not math.isnan(score):
            self._sum += score
            self._frames += 1

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """`boundary_f`: sum over frames, number of frames."""
        return {"boundary_f": np.array([self._sum, self._frames], np.float64)}

    def addends(self, clip: Arrays) -> NDArray[np.float64]:
        """See `AdditiveMetric`."""
        return clip["boundary_f"]

    def figures(self, sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """`boundary_f`, 0..1."""
        return {"boundary_f": ratio(sums[..., 0], sums[..., 1])}
