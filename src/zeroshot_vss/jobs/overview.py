"""The job that draws the overview."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job


class OverviewJob(Job):
    """The overview figure: the first clips of a data set."""

    frames: tuple[int, ...]
    titles: tuple[str, ...]
    """Of the methods, in the order of their columns."""
