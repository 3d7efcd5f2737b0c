"""Jobs of supervised networks."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ResultsJob
from zeroshot_vss.settings.segmenter import Segmenter


class SegmenterJob(ResultsJob):
    """A job of a supervised network."""

    stage: ClassVar[str] = "segmenter"

    method: str
    settings: Segmenter
    weights: str
    """Digest of the network's files."""
    frames: str
    """Manifest of the checked frames."""

    def inputs(self) -> list[str]:
        return [self.frames]
