"""Masked modulation of the backbone, section 4.3."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.method.modulation import label_maps
from zeroshot_vss.settings.upsampling import Upsampling
from zeroshot_vss.upsamplers.base import Maps, Resources, Upsampler


class MaskedModulation(Upsampler):
    """The argmax over labels of their difference maps."""

    def __init__(self, settings: Upsampling, resources: Resources) -> None:
        super().__init__(settings, resources)
        assert settings.modulation is not None and settings.sampling is not None
        self.backbone, self.budget = resources.backbone(), resources.budget()
        self.sampling, self.modulation = settings.sampling, settings.modulation
        self.frames, self.pairs = AdaptiveBatches(), AdaptiveBatches()
        self.backbone.check(self.sampling, [self.modulation.block], tiny=settings.decoder == "tiny")

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        if self.backbone.coupled:
            return self._together(clip, rows, coarse)
        parts = self.frames.parts(len(rows), lambda some: self._together(clip, rows[some], coarse[some]))
        return np.concatenate(list(parts))

    def _together(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        """The same in one plain pass."""
        start = start_of(self.backbone, clip, rows, self.sampling)
        plain = self.backbone.denoise(start, self.sampling, modulation=self.modulation)
        guides = None if self.settings.guided is None else clip.frames([row.frame for row in rows])
        labels = label_maps(self.backbone, plain, coarse, clip.size, self.settings, self.budget, self.pairs, guides)
        return labels.astype(np.uint8)
