"""The processes of a training."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.multiprocessing as mp

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "500000000",
}
"""glibc settings that keep freed activations in the heap; a CPU step takes several times as long without."""


def spawn(function: Callable[..., None], arguments: tuple[Any, ...], processes: int, meeting: Path) -> None:
    """Call `function(rank, *arguments)` in so many processes of one thread each, and wait for them.

    Several are one group of `torch.distributed`; all end with this process.

    Args:
        function: what each of them does.
        arguments: of it, after the rank, 0 .. `processes` - 1.
        processes: how many.
        meeting: a file by which they find each other.
    """
    os.environ.update(ALLOCATOR)
    meeting.unlink(missing_ok=True)  # by an interrupted run's they would wait for processes that are gone
    mp.spawn(_run, (function, arguments, processes, meeting), processes)  # pyright: ignore[reportPrivateImportUsage]


def _run(rank: int, function: Callable[..., None], arguments: tuple[Any, ...], processes: int, meeting: Path) -> None:
    # PyTorch ends processes whose parent died by an interrupt, which a shell's background jobs ignore.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    torch.set_num_threads(1)
    if processes > 1:
        dist.init_process_group("gloo", init_method=f"file://{meeting.resolve()}", rank=rank, world_size=processes)
    function(rank, *arguments)
    if processes > 1:
        dist.destroy_process_group()
