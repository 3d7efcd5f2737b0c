"""Jobs of supervised networks."""

from __future__ import annotations

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.settings.segmenter import Segmenter


class SegmenterJob(Job):
    """A job of a supervised network."""

    method: str
    settings: Segmenter
    weights: str
    """Digest of the network's files."""
