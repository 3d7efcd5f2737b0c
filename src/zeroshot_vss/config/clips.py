"""The user's own clips in the configuration."""

from __future__ import annotations

from pydantic import Field

from zeroshot_vss.settings.adaptation import Adaptation
from zeroshot_vss.settings.base import Settings


class ClipsConfig(Settings):
    """How a user's own clips are segmented."""

    method: str
    """A method, by name."""
    backbone: str
    """A backbone, by name."""
    adapt: Adaptation | bool = False
    """Train the backbone on with the clip first, without labels: minutes. `true`, or settings of the training."""
    fps: float | None = Field(default=None, gt=0)
    """Frames a second of the overlay video; by default those of the video file, 15 for a folder."""
    opacity: float = Field(default=0.45, ge=0, le=1)
    """Of the labels over the frames."""
    outlines: bool = True
    """Draw the borders of the labels."""
    legend: bool = True
    """Draw the names and colours of the labels."""
    side_by_side: bool = False
    """The plain frame beside the drawn one."""

    def adaptation(self) -> Adaptation | None:
        """The settings of the training; None where there is none."""
        if isinstance(self.adapt, bool):
            return Adaptation() if self.adapt else None
        return self.adapt
