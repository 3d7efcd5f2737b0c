"""The guided filter of the labels' bilinearly resized masks, guided by the frame's colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.guided import guided_filter, guided_labels
from zeroshot_vss.upsamplers.base import Maps, Upsampler


class GuidedUpsampling(Upsampler):
    """The argmax over labels of their filtered masks; ties go to the smallest label."""

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        settings = self.settings.guided
        assert settings is not None
        frames, grid = clip.frames([row.frame for row in rows]), (coarse.shape[1], coarse.shape[2])
        filters = (guided_filter(frame, grid, settings) for frame in frames)
        return np.stack([guided_labels(m, clip.size, along) for m, along in zip(coarse, filters, strict=True)])
