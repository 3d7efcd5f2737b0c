"""What a job does to its process before the first tensor."""

from __future__ import annotations

import ctypes
import os
from functools import cache

import cv2
import torch

from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.compute import GIB, Compute
from zeroshot_vss.machine.devices import lock_folder, take


def workers_for(compute: Compute, device: torch.device, clips: int) -> int:
    """How many processes share the clips of a job, each with its part of the threads: one on a GPU."""
    workers = min(compute.threads, clips) if device.type == "cpu" else 1
    torch.set_num_threads(max(compute.threads // workers, 1))
    return workers


FREE_SHARE = 0.7
"""Share of a GPU's free memory for the modulated passes; the rest is for decoding and for what fragments."""
CPU_BUDGET = 0.25
"""About what is quickest: larger calls gain nothing and leave the caches."""


def budget(compute: Compute, device: torch.device) -> float:
    """GiB for the modulated passes: as configured, or found from what is free now."""
    if compute.memory != "auto":
        return compute.memory
    if device.type != "cuda":
        return CPU_BUDGET
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return FREE_SHARE * (free + unused) / GIB


def prepare(compute: Compute, network: bool = False) -> torch.device:
    """Set the threads and the allocator, and choose the device.

    Args:
        compute: the settings.
        network: the job runs a network. Of several GPUs it then takes one for itself, and waits while others hold
            all; jobs that need little of a GPU are spread over them.

    Raises:
        InputError: a GPU is asked for and there is none.
    """
    torch.set_num_threads(compute.threads)
    # OpenCV's threads do not survive a fork: a worker would wait for them for ever.
    cv2.setNumThreads(0)
    _keep_heap()
    name = compute.device
    if name == "auto":
        name = _choose(network) if torch.cuda.is_available() else "cpu"
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(f"compute.device is {name!r}, but PyTorch sees no GPU; set it to 'auto' or 'cpu'")
    if name.startswith("cuda:") and int(name[5:]) >= torch.cuda.device_count():
        raise InputError(f"compute.device is {name!r}, but there are {torch.cuda.device_count()} GPUs; see 'auto'")
    # What is to be in single precision (difference maps, some encoders) is: cuDNN would take 10 bits of each factor.
    torch.backends.cudnn.allow_tf32 = False
    device = torch.device(name)
    if device.type == "cuda" and device.index is not None:
        # What is measured and whatever names no device should be on this one, too.
        torch.cuda.set_device(device)
    return device


def _choose(network: bool) -> str:
    count = torch.cuda.device_count()
    if count == 1:
        return "cuda"
    return f"cuda:{_own() if network else os.getpid() % count}"


@cache
def _own() -> int:
    """Index of the GPU that this process holds."""
    # By UUID: two processes that see different GPUs (CUDA_VISIBLE_DEVICES) call them by the same index.
    seen = [str(torch.cuda.get_device_properties(i).uuid) for i in range(torch.cuda.device_count())]
    return take(seen, lock_folder())


def _keep_heap() -> None:
    """Keep freed activations in the heap (glibc); handing them back costs a fifth of a CPU step."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3
    for parameter, value in ((trim_threshold, 2**31 - 1), (top_pad, 2**28), (mmap_threshold, 2**30)):
        mallopt(parameter, value)
