"""The coarse job."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.refinement import Correspondence


class CoarseJob(Job):
    """A job of the coarse stage."""

    settings: ContextModel
    features: Features
    refinement: Correspondence | None
    assigned: bool = True
    """False leaves the clusters without labels, for the figure that shows both."""
