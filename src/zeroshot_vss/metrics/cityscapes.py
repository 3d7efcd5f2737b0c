"""The pixel-level score of Cityscapes (cityscapesScripts): raw labelIds in, 19 of them evaluated."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.metrics.base import Arrays, mean
from zeroshot_vss.metrics.confusion import Confusion, ConfusionMetric, class_iou

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
    known = np.zeros_like(confusion)
    known[list(EVALUATED)] = confusion[list(EVALUATED)]
    return class_iou(known)[list(EVALUATED)]


class CityscapesMetric(ConfusionMetric):
    """Mean over the evaluated ids that occur, predicted ones included."""

    def __init__(self) -> None:
        super().__init__(LABEL_IDS)

    def pool(self, clips: Sequence[Arrays]) -> dict[str, float]:
        """`miou`, 0..1."""
        return {"miou": mean(evaluated_iou(np.sum([clip["confusion"] for clip in clips], axis=0)))}
