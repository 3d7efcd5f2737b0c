"""Jobs of methods without a diffusion model."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.settings.baseline import Baseline


class BaselineJob(Job):
    """A job of a method without a diffusion model."""

    settings: Baseline
