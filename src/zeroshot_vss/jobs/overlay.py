"""The job that draws a user's clip."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job


class OverlayJob(Job):
    """The pictures of a user's clip."""

    fps: float | None
    opacity: float
    outlines: bool = True
    legend: bool = True
    side_by_side: bool = False
    names: dict[int, str] = {}
    """Of clusters, or of the labels of a mask; those of one name become one."""
