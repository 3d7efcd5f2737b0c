"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PARTIAL = ".part"


def remove_partial(path: Path) -> None:
    """Remove what killed processes left of `path`; those that still write are left alone (on this machine)."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{PARTIAL}"):
        process = left.name.split(".")[-2]
        if not (process.isdecimal() and Path(f"/proc/{process}").exists()):
            left.unlink(missing_ok=True)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary name in the folder of `path`; the file written there becomes `path` when the block ends well.

    After an exception `path` is as it was and the temporary file is gone. The name starts with a dot and carries
    the process number, so that two processes writing the same result do not disturb each other.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
