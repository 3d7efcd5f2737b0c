"""How results are computed: settings that do not change them."""

from __future__ import annotations

from pydantic import Field

from zeroshot_vss.settings import Positive, Settings


class Compute(Settings):
    """How a job uses its machine. Nothing here changes results, so nothing here is part of a path."""

    device: str = "auto"
    """`auto` takes a GPU when there is one; else `cpu`, `cuda`, `cuda:1`, ..."""
    threads: Positive = 2
    """CPU threads of a job."""
    memory: float = Field(default=1.0, gt=0)
    """GiB that the modulated passes of one call may take. Take half of a GPU's memory, 0.25 to 2 on a CPU."""
    frames_at_once: Positive = 7
    """Frames in one unmodulated pass; their recorded tensors stay in memory. 1 or 2 for SD 2.1 at 480p."""
    clips_per_job: Positive = 8
    """Clips that one job takes, so that the model is loaded once for all of them."""
