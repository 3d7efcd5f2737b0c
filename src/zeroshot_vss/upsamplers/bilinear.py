"""Bilinear upsampling of the labels' masks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.upsamplers.base import Maps, Upsampler


class Bilinear(Upsampler):
    """The argmax over labels of their bilinearly resized masks; ties go to the smallest label."""

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        return np.stack([bilinear_labels(m, clip.size) for m in coarse])


def bilinear_labels(coarse: Maps, size: tuple[int, int]) -> Maps:
    """A coarse map [h, w] at full size [H, W] = `size`."""
    labels = np.unique(coarse)
    masks = [cv2.resize((coarse == k).astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) for k in labels]
    return labels[np.argmax(masks, 0)].astype(np.uint8)
