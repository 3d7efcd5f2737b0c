"""Another system's label maps of a clip, as results of ours are read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, Clip
from zeroshot_vss.io.predictions import Predictions


class PredictedMaps:
    """[n, H, W] uint8 label maps of a clip, read by `maps[first:last]`: VOID where a frame has no ground truth.

    Predictions of such frames are not looked at, see :class:`zeroshot_vss.io.predictions.Predictions`.
    """

    def __init__(self, predictions: Predictions, clip: Clip) -> None:
        self._predictions, self._clip = predictions, clip

    def __getitem__(self, some: slice, /) -> NDArray[np.uint8]:
        """Maps of consecutive frames, [m, H, W]. Raises InputError, see `Predictions.read`."""
        return np.stack([self._map(index) for index in range(len(self._clip))[some]])

    def _map(self, index: int) -> NDArray[np.uint8]:
        if self._clip.labels(index) is None:
            return np.full(self._clip.size, VOID, np.uint8)
        return self._predictions.read(self._clip, index)
