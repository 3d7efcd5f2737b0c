"""The coarse job."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ResultsJob
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.refinement import Correspondence


class CoarseJob(ResultsJob):
    """A job of the coarse stage."""

    stage: ClassVar[str] = "coarse"

    settings: ContextModel
    features: Features
    refinement: Correspondence | None
    assigned: bool = True
    """False leaves the clusters without labels, for the figure that shows both."""
    masks: str
    """Manifest of the checked annotations."""
    cached: str
    """Manifest of the cached features."""
    matches: str | None = None
    """Manifest of the correspondences; None without CBR."""

    def inputs(self) -> list[str]:
        return [self.masks, self.cached, *([self.matches] if self.matches else [])]
