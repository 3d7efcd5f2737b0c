"""The interface of an upsampler: from coarse maps to label maps at full resolution."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.settings.upsampling import Upsampling
from zeroshot_vss.upsamplers import UPSAMPLERS

if TYPE_CHECKING:
    from zeroshot_vss.backbones.base import Backbone

Maps = NDArray[np.uint8]
Tokens = Callable[[str, Sequence[int]], NDArray[np.float32]]
"""From a clip's name and frames to the mean of their blocks' cached features, [n, h, w, C]."""


def no_tokens(clip: str, frames: Sequence[int]) -> NDArray[np.float32]:
    """Those of jobs that are given no features."""
    raise TypeError(f"clip '{clip}': the job has no features")


@dataclass(frozen=True)
class Resources:
    """What an upsampler may use; nothing is loaded before it is asked for."""

    backbone: Callable[[], Backbone]
    """Loads the diffusion model; only where the settings have a `modulation`."""
    budget: Callable[[], float]
    """GiB of memory; known once the model is loaded."""
    tokens: Tokens = no_tokens
    """Reads features; only where the settings have a `learned`."""
    device: str = "cpu"
    """Where networks run."""


class Upsampler(ABC):
    """Makes label maps [n, H, W] of a clip's size from coarse maps [n, h, w].

    Args:
        settings: of the upsampling stage.
        resources: the model and the memory.
    """

    def __init__(self, settings: Upsampling, resources: Resources) -> None:
        self.settings, self.resources = settings, resources

    @abstractmethod
    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        """Label maps of the rows' frames. Each depends on its frame alone, or on its batch with video models."""


def make_upsampler(settings: Upsampling, resources: Resources) -> Upsampler:
    """The upsampler that the settings name. Raises InputError where there is none of that name."""
    return UPSAMPLERS.load(settings.upsampler)(settings, resources)
