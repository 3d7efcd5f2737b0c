"""The correspondence job."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.refinement import Correspondence


class CorrespondenceJob(Job):
    """A job of the correspondence stage."""

    settings: Correspondence
    features: Features
