"""The correspondence job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ResultsJob
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.refinement import Correspondence


class CorrespondenceJob(ResultsJob):
    """A job of the correspondence stage."""

    stage: ClassVar[str] = "correspondences"

    settings: Correspondence
    features: Features
    cached: str
    """Manifest of the cached features."""

    def inputs(self) -> list[str]:
        return [self.cached]
