"""Jobs of supervised networks."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob
from zeroshot_vss.settings.segmenter import Segmenter


class SegmenterJob(ClipsJob):
    """A job of a supervised network."""

    stage: ClassVar[str] = "segmenter"

    method: str
    settings: Segmenter
    weights: str
    """Digest of the network's files."""
    frames: str
    """Manifest of the checked frames."""
    manifest: str

    def inputs(self) -> list[str]:
        return [self.frames]

    def outputs(self) -> list[str]:
        return [self.manifest]
