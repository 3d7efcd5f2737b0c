"""The feature job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.model import ModelJob
from zeroshot_vss.settings.features import Features


class FeaturesJob(ModelJob):
    """A job of the feature stage."""

    stage: ClassVar[str] = "features"

    settings: Features
    frames: str
    """Manifest of the checked frames."""
    adapted: str | None = None
    """Manifest of the weights that the backbone has for each clip; None where its own are used."""

    def inputs(self) -> list[str]:
        return [self.frames, *([self.adapted] if self.adapted else [])]
