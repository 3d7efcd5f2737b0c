"""The adaptation job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.model import ModelJob
from zeroshot_vss.settings.adaptation import Adaptation


class AdaptJob(ModelJob):
    """A job of the adaptation stage; its backbone is the one that is trained on."""

    stage: ClassVar[str] = "adapt"

    settings: Adaptation
    frames: str
    """Manifest of the checked frames."""

    def inputs(self) -> list[str]:
        return [self.frames]
