"""Jobs of methods without a diffusion model."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ResultsJob
from zeroshot_vss.settings.baseline import Baseline


class BaselineJob(ResultsJob):
    """A job of a method without a diffusion model."""

    stage: ClassVar[str] = "baseline"

    settings: Baseline
    frames: str
    """Manifest of the checked frames."""
    masks: str
    """Manifest of the checked annotations."""

    def inputs(self) -> list[str]:
        return [self.frames, self.masks]
