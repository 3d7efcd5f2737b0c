"""Which features are cached."""

from __future__ import annotations

from zeroshot_vss.settings.base import Blocks, NonNegative, Settings
from zeroshot_vss.settings.sampling import Sampling


class CachedFeatures(Settings):
    """Which self-attention queries a method caches."""

    blocks: Blocks = (6, 7, 8)
    """Decoder blocks, all of one resolution. Keep one value for all rows of a table: they then share the cache."""
    step: NonNegative = 24
    """The step whose queries are cached."""


class Features(CachedFeatures):
    """The feature stage: what is cached, and how the latents were made."""

    sampling: Sampling = Sampling()
    """How the latents were made."""
