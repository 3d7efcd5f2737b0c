"""The upsampling job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.jobs.base import ResultsJob
from zeroshot_vss.settings.base import Blocks
from zeroshot_vss.settings.upsampling import Upsampling


class UpsampleJob(ResultsJob):
    """A job of the upsampling stage."""

    stage: ClassVar[str] = "upsample"

    settings: Upsampling
    backbone: BackboneSpec | None = None
    """None where the upsampler runs no model."""
    weights: str | None = None
    """Digest of the backbone's files."""
    adapted: str | None = None
    """Manifest of the weights that it has for each clip."""
    frames: str
    """Manifest of the checked frames."""
    coarse: str
    """Manifest of the coarse maps."""
    cached: str | None = None
    """Manifest of the cached features, where the upsampler takes them."""
    blocks: Blocks | None = None
    """Their blocks, of which the mean is taken."""
    hub: str | None = None
    """Digest of a learned upsampler's files."""

    def inputs(self) -> list[str]:
        return [self.frames, self.coarse, *(path for path in (self.adapted, self.cached) if path)]
