"""The upsampling job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.jobs.base import ClipsJob
from zeroshot_vss.settings.upsampling import Upsampling


class UpsampleJob(ClipsJob):
    """A job of the upsampling stage."""

    stage: ClassVar[str] = "upsample"

    settings: Upsampling
    backbone: BackboneSpec | None = None
    """None where the upsampler runs no model."""
    weights: str | None = None
    """Digest of the backbone's files."""
    frames: str
    """Manifest of the checked frames."""
    coarse: str
    """Manifest of the coarse maps."""
    manifest: str

    def inputs(self) -> list[str]:
        return [self.frames, self.coarse]

    def outputs(self) -> list[str]:
        return [self.manifest]
