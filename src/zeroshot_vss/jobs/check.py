"""The check job."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job


class CheckJob(Job):
    """A job that reads every frame and mask once."""
