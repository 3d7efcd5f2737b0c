"""Nearest-neighbour upsampling of the label maps."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.upsamplers.base import Maps, Upsampler


class Nearest(Upsampler):
    """Each pixel takes the label of the cell that it lies in."""

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        height, width = clip.size
        resized = [cv2.resize(m, (width, height), interpolation=cv2.INTER_NEAREST_EXACT) for m in coarse]
        return np.stack(resized).astype(np.uint8)
