"""Writing files so that a reader never sees half of one."""

from __future__ import annotations

import errno
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from zeroshot_vss.errors import InputError

PARTIAL = ".part"

_NO_ROOM = "free some space, then run the same command again: what is finished is kept"
_NO_RIGHT = "make the folder writable, or work in another one, then run again"
_ADVICE = {
    errno.ENOSPC: _NO_ROOM,
    errno.EDQUOT: _NO_ROOM,
    errno.EFBIG: "lift the limit on the size of files (`ulimit -f`), then run again",
    errno.EIO: "the disk may be failing: see the system's log, then run again or work in another folder",
    errno.EROFS: _NO_RIGHT,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
}
"""What to do where a file cannot be written, by the number of the error."""


def check_name(name: str, where: str, neither: str = "") -> None:
    """Refuse names that are not the name of one file or folder, so that paths made of them stay in their root.

    Raises:
        InputError: the name is empty, `.` or `..`, or holds a separator or one of the further characters.
    """
    if name in ("", ".", "..") or any(c in name for c in "/\\\0" + neither):
        further = "".join(f", {c!r}" for c in neither)
        raise InputError(f"{where}: {name!r} cannot be a name; expected one without '/', '\\'{further} and '..'")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of errors inside the block that `path` could not be written, and what to do.

    Raises:
        InputError: the disk is full, or the folder is read-only.
    """
    try:
        yield
    except Exception as error:  # PyAV's errors have a number, too, but are not all of one kind
        number, named = getattr(error, "errno", None), getattr(error, "filename", None)
        if number not in _ADVICE or (isinstance(named, str) and not path.is_relative_to(Path(named).parent)):
            raise
        raise InputError(f"{path} cannot be written ({os.strerror(number)}); {_ADVICE[number]}") from error


def remove_partial(path: Path) -> None:
    """Remove what killed processes left of `path`; those that still write are left alone (on this machine)."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{PARTIAL}"):
        process = left.name.split(".")[-2]
        if not (process.isdecimal() and Path(f"/proc/{process}").exists()):
            left.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk: else a power cut can leave an empty file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems cannot do this for folders
            os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def replacing(path: Path, tidy: bool = True) -> Iterator[Path]:
    """Give a temporary name in the folder of `path`; the file written there becomes `path` when the block ends well.

    After an exception `path` is as it was and the temporary file is gone. The name starts with a dot and carries
    the process number, so that two processes writing the same result do not disturb each other. Missing folders are
    made.

    Args:
        path: the file.
        tidy: remove what killed processes left of it; reads the folder.

    Raises:
        InputError: the disk is full, or the folder is read-only.
    """
    partial = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if tidy:
            remove_partial(path)
        try:
            yield partial
            _to_disk(partial)
            os.replace(partial, path)
            _to_disk(path.parent)
        finally:
            partial.unlink(missing_ok=True)
