"""Joint bilateral upsampling of the labels' masks, guided by the frame's colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.bilateral import bilateral_labels
from zeroshot_vss.upsamplers.base import Maps, Upsampler


class JointBilateralUpsampling(Upsampler):
    """The argmax over labels of their filtered masks; ties go to the smallest label."""

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        settings = self.settings.bilateral
        assert settings is not None
        frames = clip.frames([row.frame for row in rows])
        return np.stack([bilateral_labels(m, f, settings) for m, f in zip(coarse, frames, strict=True)])
