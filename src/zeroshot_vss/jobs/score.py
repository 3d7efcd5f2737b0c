"""Scoring jobs."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job


class ScoreJob(Job):
    """The scores of a row over all clips of a data set."""

    protocol: str
    classes: int | None
    """Number of classes where the protocol leaves it open."""


class PredictionsJob(ScoreJob):
    """The scores of another system's predictions."""

    folder: str
    listing: str
    """Cheap digest of the folder's files."""
