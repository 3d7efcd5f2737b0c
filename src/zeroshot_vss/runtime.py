"""What a job does to its process before the first tensor."""

from __future__ import annotations

import ctypes

import cv2
import torch

from zeroshot_vss.compute import Compute
from zeroshot_vss.costs import GIB
from zeroshot_vss.errors import InputError


def workers_for(compute: Compute, device: torch.device, clips: int) -> int:
    """How many processes share the clips of a job, each with its part of the threads: one on a GPU."""
    workers = min(compute.threads, clips) if device.type == "cpu" else 1
    torch.set_num_threads(max(compute.threads // workers, 1))
    return workers


FREE_SHARE = 0.7
"""Share of a GPU's free memory for the modulated passes; the rest is for decoding and for what fragments."""
CPU_BUDGET = 0.5


def budget(compute: Compute, device: torch.device) -> float:
    """GiB for the modulated passes: as configured, or found from what is free now."""
    if compute.memory != "auto":
        return compute.memory
    if device.type != "cuda":
        return CPU_BUDGET
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return FREE_SHARE * (free + unused) / GIB


def prepare(compute: Compute) -> torch.device:
    """Set the threads and the allocator, and choose the device.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    torch.set_num_threads(compute.threads)
    # OpenCV's threads do not survive a fork: a worker would wait for them for ever.
    cv2.setNumThreads(0)
    _keep_heap()
    name = compute.device
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"compute.device is {name!r}, but PyTorch sees no GPU; set it to 'auto' or 'cpu'")
    return torch.device(name)


def _keep_heap() -> None:
    """Keep freed activations in the heap (glibc); handing them back costs a fifth of a CPU step."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3
    for parameter, value in ((trim_threshold, 2**31 - 1), (top_pad, 2**28), (mmap_threshold, 2**30)):
        mallopt(parameter, value)
