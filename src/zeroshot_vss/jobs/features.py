"""The feature job."""

from __future__ import annotations

from zeroshot_vss.jobs.model import ModelJob
from zeroshot_vss.settings.features import Features


class FeaturesJob(ModelJob):
    """A job of the feature stage."""

    settings: Features
