"""The adaptation job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.jobs.base import ResultsJob
from zeroshot_vss.settings.adaptation import Adaptation


class AdaptJob(ResultsJob):
    """A job of the adaptation stage."""

    stage: ClassVar[str] = "adapt"

    backbone: BackboneSpec
    """Which is trained on."""
    weights: str
    """Digest of its files."""
    settings: Adaptation
    frames: str
    """Manifest of the checked frames."""

    def inputs(self) -> list[str]:
        return [self.frames]
