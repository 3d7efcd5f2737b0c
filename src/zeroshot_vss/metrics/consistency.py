"""Video consistency VC_C (VSPW), and a stricter variant that also asks for the right class.

Window i covers the frames i .. i + C - 1, for i = 0 .. T - C - 1: VSPW's program leaves the last possible window out,
so the last frame of a clip never counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, LabelMap
from zeroshot_vss.metrics.base import AdditiveMetric, Arrays, ratio, total_and_count

LENGTHS = (8, 16)


class StreamingConsistency:
    """VC of one clip, one frame at a time.

    For every pixel it keeps since how many frames the truth, the prediction and the agreement of the two have held,
    so memory is three counters a pixel, whatever the clip's and the windows' lengths.
    """

    def __init__(self, lengths: Sequence[int] = LENGTHS) -> None:
        """Args: lengths: the C of VC_C, each at least 2."""
        if min(lengths) < 2:
            raise ValueError(f"windows have at least 2 frames, got {tuple(lengths)}")
        self.lengths = tuple(lengths)
        self._seen = 0
        self._last: tuple[LabelMap, LabelMap] | None = None
        self._runs: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.int32]] | None = None
        self._plain: dict[int, list[float]] = {length: [] for length in self.lengths}
        self._strict: dict[int, list[float]] = {length: [] for length in self.lengths}

    def update(self, truth: LabelMap, prediction: LabelMap) -> None:
        """Take in the next frame.

        Args:
            truth: uint8 [H, W], of the size of the frames before. VOID is a label like others.
            prediction: likewise.
        """
        shape = truth.shape
        if prediction.shape != shape or (self._runs is not None and self._runs[0].shape != shape):
            raise ValueError(f"frames of one size expected, got {shape} and {prediction.shape}")
        if self._runs is None:
            self._runs = (np.zeros(shape, np.int32), np.zeros(shape, np.int32), np.zeros(shape, np.int32))
        truth_run, prediction_run, right_run = self._runs
        if self._last is not None:
            truth_run[truth != self._last[0]] = 0
            prediction_run[prediction != self._last[1]] = 0
        truth_run += 1
        prediction_run += 1
        right_run += 1
        right_run[truth != prediction] = 0
        self._last = (truth.copy(), prediction.copy())
        self._close_windows()

    def skip(self) -> None:
        """Take in a frame without truth: no pixel's truth is constant over a window that holds it."""
        if self._runs is not None:
            for run in self._runs:
                run[:] = 0
        self._last = None
        self._close_windows()

    def _close_windows(self) -> None:
        """Score the windows that end with the newest frame."""
        self._seen += 1
        for length in self.lengths:
            if self._seen < length:
                continue
            if self._runs is None or self._last is None:
                self._plain[length].append(float("nan"))
                self._strict[length].append(float("nan"))
                continue
            truth_run, prediction_run, right_run = self._runs
            same = truth_run >= length
            self._plain[length].append(_share(prediction_run >= length, same))
            same_class = same & (self._last[0] != VOID)
            self._strict[length].append(_share(right_run >= length, same_class))

    def windows(self, length: int) -> NDArray[np.float64]:
        """Share |A and B| / |A| of each window.

        A: the truth is the same in all frames of the window. B: the prediction is. The two are never compared.

        Returns:
            float64 [max(0, T - length)] in 0..1, NaN where A is empty.
        """
        return np.array(self._plain[length][:-1], np.float64)

    def strict_windows(self, length: int) -> NDArray[np.float64]:
        """Share of the pixels of one true class throughout the window that hold this class throughout.

        VOID is no class here, as nothing predicted there can be right.

        Returns:
            float64 [max(0, T - length)] in 0..1, NaN where no pixel keeps a class.
        """
        return np.array(self._strict[length][:-1], np.float64)


def _share(hits: NDArray[np.bool_], of: NDArray[np.bool_]) -> float:
    total = np.count_nonzero(of)
    return np.count_nonzero(hits & of) / total if total else float("nan")


class ConsistencyMetric(AdditiveMetric):
    """mVC_C: the mean over all windows of all clips pooled, windows with empty A left out."""

    def __init__(self, lengths: Sequence[int] = LENGTHS) -> None:
        self._clip = StreamingConsistency(lengths)

    def update(self, truth: LabelMap | None, prediction: LabelMap | None, where: str) -> None:
        """See `Metric`."""
        if truth is None or prediction is None:
            self._clip.skip()
        else:
            self._clip.update(truth, prediction)

    def arrays(self) -> dict[str, NDArray[np.float64]]:
        """`vc<C>` and `strict_vc<C>`, the windows of each."""
        plain = {f"vc{length}": self._clip.windows(length) for length in self._clip.lengths}
        strict = {f"strict_vc{length}": self._clip.strict_windows(length) for length in self._clip.lengths}
        return {**plain, **strict}

    @property
    def _kinds(self) -> list[tuple[str, int]]:
        return [(kind, length) for kind in ("", "strict_") for length in self._clip.lengths]

    def addends(self, clip: Arrays) -> NDArray[np.float64]:
        """See `AdditiveMetric`: sum and number of the windows of each kind and length."""
        windows = [total_and_count(clip[f"{kind}vc{length}"]) for kind, length in self._kinds]
        return np.array(windows, np.float64).ravel()

    def figures(self, sums: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
        """`mvc<C>` (VSPW's mVC_C) and `strict_mvc<C>` (right and constant), 0..1."""
        return {
            f"{kind}mvc{length}": ratio(sums[..., 2 * place], sums[..., 2 * place + 1])
            for place, (kind, length) in enumerate(self._kinds)
        }
