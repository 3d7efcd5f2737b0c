"""Upsamplers: from coarse maps to label maps at full resolution. Adding one is a class and a line in UPSAMPLERS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.method.modulation import label_maps
from zeroshot_vss.settings.upsampling import Upsampling

Maps = NDArray[np.uint8]


class Upsampler(ABC):
    """Makes label maps [n, H, W] of a clip's size from coarse maps [n, h, w]."""

    @abstractmethod
    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        """Label maps of the rows' frames. Each depends on its frame alone, or on its batch with video models."""


class Nearest(Upsampler):
    """Each pixel takes the label of the cell that it lies in."""

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        height, width = clip.size
        resized = [cv2.resize(m, (width, height), interpolation=cv2.INTER_NEAREST_EXACT) for m in coarse]
        return np.stack(resized).astype(np.uint8)


class Bilinear(Upsampler):
    """The argmax over labels of their bilinearly resized masks; ties go to the smallest label."""

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        return np.stack([self._one(m, clip.size) for m in coarse])

    def _one(self, coarse: Maps, size: tuple[int, int]) -> Maps:
        labels = np.unique(coarse)
        masks = [
            cv2.resize((coarse == k).astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) for k in labels
        ]
        return labels[np.argmax(masks, 0)].astype(np.uint8)


class MaskedModulation(Upsampler):
    """Masked modulation of the backbone, section 4.3."""

    def __init__(self, settings: Upsampling, backbone: Backbone, budget: float) -> None:
        assert settings.modulation is not None and settings.sampling is not None
        self.settings, self.backbone, self.budget = settings, backbone, budget
        self.sampling, self.modulation = settings.sampling, settings.modulation
        self.frames, self.pairs = AdaptiveBatches(), AdaptiveBatches()
        backbone.check(self.sampling, [self.modulation.block], tiny=settings.decoder == "tiny")

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        if self.backbone.coupled:
            return self._together(clip, rows, coarse)
        parts = self.frames.parts(len(rows), lambda some: self._together(clip, rows[some], coarse[some]))
        return np.concatenate(list(parts))

    def _together(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        """The same in one plain pass."""
        start = start_of(self.backbone, clip, rows, self.sampling)
        plain = self.backbone.denoise(start, self.sampling, modulation=self.modulation)
        labels = label_maps(self.backbone, plain, coarse, clip.size, self.settings, self.budget, self.pairs)
        return labels.astype(np.uint8)


UPSAMPLERS: dict[str, Callable[[Upsampling, Callable[[], Backbone], Callable[[], float]], Upsampler]] = {
    "nearest": lambda settings, backbone, budget: Nearest(),
    "bilinear": lambda settings, backbone, budget: Bilinear(),
    "modulation": lambda settings, backbone, budget: MaskedModulation(settings, backbone(), budget()),
}
"""Name to a maker, which gets the settings, a function that loads the backbone, and one that then tells the memory
budget in GiB."""


def make_upsampler(settings: Upsampling, backbone: Callable[[], Backbone], budget: Callable[[], float]) -> Upsampler:
    """An upsampler by its name.

    Raises:
        InputError: the name is unknown.
    """
    if settings.upsampler not in UPSAMPLERS:
        raise InputError(f"unknown upsampler {settings.upsampler!r}; known: {', '.join(UPSAMPLERS)}")
    return UPSAMPLERS[settings.upsampler](settings, backbone, budget)
