"""How results are computed: settings that do not change them."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from zeroshot_vss.settings.base import Positive, Settings

GIB = 2**30


class Compute(Settings):
    """How a job uses its machine. Nothing here changes results, so nothing here is part of a path.

    On a GPU this is so but for rounding: kernels for other numbers of passes may add in another order.
    """

    device: str = "auto"
    """`auto` takes a GPU when there is one, and of several one that no other job holds; else `cpu`, `cuda:1`, ..."""

    @field_validator("device")
    @classmethod
    def _known(cls, value: str) -> str:
        if not re.fullmatch("auto|cpu|cuda(:[0-9]+)?", value):
            raise ValueError(f"{value!r} is no device; expected auto, cpu, cuda or cuda:0, cuda:1, ...")
        return value

    threads: Positive = 2
    """CPU threads of a job."""
    memory: Literal["auto"] | Annotated[float, Field(gt=0)] = "auto"
    """GiB that the modulated passes of one call may take. `auto`: most of what is free on the GPU once the model is
    loaded, or a quarter of a GiB on a CPU, whose caches gain nothing by more."""
    frames_at_once: Positive = 7
    """Frames in one unmodulated pass; their recorded tensors stay in memory. 1 or 2 for SD 2.1 at 480p."""
    clips_per_job: Positive = 8
    """Clips that one job takes, so that the model is loaded once for all of them."""
