"""The processes of a training."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import torch.multiprocessing as mp

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "500000000",
}
"""glibc settings that keep freed activations in the heap; a CPU step takes several times as long without."""


def spawn(function: Callable[..., None], arguments: tuple[Any, ...], processes: int) -> None:
    """Call `function(rank, *arguments)` in so many processes, which end with this one, and wait for them."""
    os.environ.update(ALLOCATOR)
    mp.spawn(_interruptible, (function, *arguments), processes)  # pyright: ignore[reportPrivateImportUsage]


def _interruptible(rank: int, function: Callable[..., None], *arguments: Any) -> None:
    """PyTorch ends processes whose parent died by an interrupt, which a shell's background jobs ignore."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    function(rank, *arguments)
