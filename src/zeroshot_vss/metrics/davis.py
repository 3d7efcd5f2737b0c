"""J, F and J&F of DAVIS, semi-supervised (Pont-Tuset et al. 2017): objects are given by the first frame's mask."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.base import AdditiveMetric, Arrays, mean, ratio, total_and_count
from zeroshot_vss.metrics.boundary import boundary_f


def region_j(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Intersection over union of two bool [H, W], 0..1; 1 where both are empty."""
    union = np.count_nonzero(truth | prediction)
    return np.count_nonzero(truth & prediction) / union if union else 1.0


def recall(values: NDArray[np.float64]) -> float:
    """Share of the frames over 0.5; NaN without frames."""
    return float(np.mean(values > 0.5)) if len(values) else float("nan")


def decay(values: NDArray[np.float64]) -> float:
    """Mean over the first minus mean over the last quarter of the frames; NaN without frames.

    A quarter includes the frame it ends with, which the next begins with.
    """
    if len(values) == 0:
        return float("nan")
    # Half up: numpy alone rounds halves to even.
    ends = np.floor(np.linspace(1, len(values), 5) + 0.5).astype(int) - 1
    return float(values[: ends[1] + 1].mean() - values[ends[3] : ends[4] + 1].mean())


OF_OBJECT: Mapping[str, Callable[[NDArray[np.float64]], float]] = {"mean": mean, "recall": recall, "decay": decay}
"""Figures of an object, from its J or F of each frame."""
_KINDS = [(name, kind) for name in ("j", "f") for kind in OF_OBJECT]


def one_object(ids: LabelMap) -> LabelMap:
    """DAVIS 2016: every id but 0 becomes 1 (255, too: the 2016 masks are 0 and 255)."""
    return (ids != 0).astype(np.uint8)


class ObjectMetric(AdditiveMetric):
    """Means, recalls and decays of J and F over all objects of all clips."""

    def __init__(self, keep_last: bool = False) -> None:
        """Args: keep_last: score the last annotated frame, as for sparsely annotated long videos; DAVIS does not."""
        self._keep_last = keep_last
        self._objects: int | None = None
        self._j: list[list[float]] = []
        self._f: list[list[float]] = []

    def update(self, truth: LabelMap | None, prediction: LabelMap | None, where: str) -> None:
        """See `Metric`. The first annotated frame only names the objects: ids 1 to its largest. VOID is background.

        Raises:
            InputError: the first truth has no object, or a prediction has more objects.
        """
        if truth is None or prediction is None:
            return
        if self._objects is None:
            self._objects = int(np.max(truth, where=truth != VOID, initial=0))
            if self._objects == 0:
                raise InputError(f"{where}: the first mask has no object; expected ids from 1")
            return
        objects = range(1, self._objects + 1)
        extra = prediction[(prediction > self._objects) & (prediction != VOID)]
        if extra.size:
            raise InputError(
                f"{where}: the prediction holds id {int(extra.min())}; the clip has the objects 1..{self._objects}"
            )
        self._j.append([region_j(truth == label, prediction == label) for label in objects])
        self._f.append([boundary_f(truth == label, prediction == label) for label in objects])

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """`j` and `f`, [objects, scored frames] each."""
        frames = len(self._j) if self._keep_last else max(0, len(self._j) - 1)
        shape = (frames, self._objects or 0)
        return {
            "j": np.array(self._j[:frames], np.float64).reshape(shape).T,
            "f": np.array(self._f[:frames], np.float64).reshape(shape).T,
        }

    def addends(self, clip: Arrays) -> NDArray[np.float64]:
        """See `AdditiveMetric`: sum over the clip's objects, and their number, of each figure."""
        each = [[OF_OBJECT[kind](values) for values in clip[name]] for name, kind in _KINDS]
        return np.array([total_and_count(np.array(figures, np.float64)) for figures in each], np.float64).ravel()

    def figures(self, sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """`j_and_f`, `j_mean`, `j_recall`, `j_decay`, `f_mean`, `f_recall`, `f_decay`: each object counts once."""
        figures = {
            f"{name}_{kind}": ratio(sums[..., 2 * place], sums[..., 2 * place + 1])
            for place, (name, kind) in enumerate(_KINDS)
        }
        return {"j_and_f": (figures["j_mean"] + figures["f_mean"]) / 2, **figures}
