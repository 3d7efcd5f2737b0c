"""The upsampling job."""

from __future__ import annotations

from zeroshot_vss.jobs.model import ModelJob
from zeroshot_vss.settings.upsampling import Upsampling


class UpsampleJob(ModelJob):
    """A job of the upsampling stage."""

    settings: Upsampling
