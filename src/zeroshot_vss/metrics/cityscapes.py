"""The pixel-level score of Cityscapes (cityscapesScripts): raw labelIds in, 19 of them evaluated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.metrics.base import Arrays, ratio, total_and_count
from zeroshot_vss.metrics.confusion import Confusion, ConfusionMetric, class_iou, iou_of, marginals

LABEL_IDS = 34
"""Raw ids 0..33."""
EVALUATED = (7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33)


def evaluated_iou(confusion: Confusion) -> NDArray[np.float64]:
    """TP / (TP + FP + FN) of the evaluated ids.

    Pixels whose truth is not evaluated count nowhere; a prediction of an id that is not evaluated is a miss.

    Args:
        confusion: int64 [34, 35] over raw labelIds, as `confusion_matrix` makes it.

    Returns:
        float64 [19], in the order of `EVALUATED`; NaN for an id that does not occur.
    """
    return class_iou(_evaluated(confusion))[list(EVALUATED)]


def _evaluated(confusion: Confusion) -> Confusion:
    """Without the pixels whose truth is not evaluated."""
    known = np.zeros_like(confusion)
    known[list(EVALUATED)] = confusion[list(EVALUATED)]
    return known


class CityscapesMetric(ConfusionMetric):
    """Mean over the evaluated ids that occur, predicted ones included."""

    def __init__(self) -> None:
        super().__init__(LABEL_IDS)

    def addends(self, clip: Arrays) -> NDArray[np.float64]:
        """See `ConfusionMetric`."""
        return marginals(_evaluated(clip["confusion"])).ravel()

    def figures(self, sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """`miou`, 0..1."""
        iou = iou_of(sums.reshape(*sums.shape[:-1], 3, -1))[..., list(EVALUATED)]
        return {"miou": ratio(*total_and_count(iou))}
