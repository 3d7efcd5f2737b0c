"""One GPU for each job where several jobs share a machine: who holds a device holds the lock of its file.

The kernel gives a lock back when its process ends, however it ends, so nothing is ever left to clean up.
"""

from __future__ import annotations

import fcntl
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

PAUSE = 0.2
"""Seconds between two looks at devices that are all held."""

console = Console(stderr=True, soft_wrap=True)


def lock_folder() -> Path:
    """The user's folder of locks on this machine."""
    return Path(tempfile.gettempdir()) / f"zeroshot_vss-{os.getuid()}"


def take(devices: Sequence[str], folder: Path) -> int:
    """Take the first device that no other process holds, until this process ends; wait where all are held.

    Waiting is the choice and sharing is not, as `compute.memory` is a part of a whole device.

    Args:
        devices: what each is called on this machine, by whoever sees it (its UUID, not its index).
        folder: of the locks; made where it is not there.

    Returns:
        The index of the device.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = [os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600) for name in devices]
    waiting = False
    while True:
        for index, file in enumerate(files):
            if _lock(file):
                for other in files[:index] + files[index + 1 :]:
                    os.close(other)
                return index
        if not waiting:
            waiting = True
            console.print(f"all {len(files)} GPUs are held (by processes {_holders(files)}); waiting for one of them")
        time.sleep(PAUSE)


def _lock(file: int) -> bool:
    """Lock an open file and leave the process's number in it, unless it is locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.ftruncate(file, 0)
    os.pwrite(file, str(os.getpid()).encode(), 0)
    return True


def _holders(files: Sequence[int]) -> str:
    return ", ".join(os.pread(file, 20, 0).decode() for file in files)
