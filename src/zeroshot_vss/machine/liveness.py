"""Whether another run is alive in the same folder: what a killed run left behind is told from a live one's.

Every run holds a shared lock on one file for as long as its process lives; the kernel releases it however the process
ends. Who gets the lock exclusively is alone.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

_held: list[int] = []
"""Open files of this process's locks: closing one would release it."""


def enter(path: Path) -> bool:
    """Say that this process is at work, until it ends. Child processes do not inherit it.

    Args:
        path: of the lock, made when it is not there.

    Returns:
        Whether no other process was at work. False also where nobody can tell: on file systems without locks (some
        network ones), and in folders that cannot be written, where only dry runs are possible.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    except OSError:
        return False
    _held.append(lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        alone = False
    else:
        alone = True
    try:
        fcntl.flock(lock, fcntl.LOCK_SH)
    except OSError:
        return False
    return alone
