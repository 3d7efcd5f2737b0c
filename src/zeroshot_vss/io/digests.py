"""SHA-256 of whole files. Those of large files are kept for the user, so that weights are read once. No torch."""

from __future__ import annotations

import hashlib
import json
import os
import stat
import time
from pathlib import Path

from zeroshot_vss.errors import InputError

SMALL = 2**20
"""Bytes up to which a file is read again each time."""
SETTLED = 2.0
"""Seconds after a file's last change from which on its digest is kept: two changes within a tick of the file system's
clock look like one."""


def cache_folder() -> Path | None:
    """`$XDG_CACHE_HOME/zeroshot_vss/digests`, by default below `~/.cache`; None without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "zeroshot_vss" / "digests"
    except RuntimeError:
        return None


def sha256(path: Path) -> str:
    """SHA-256 of a file's bytes.

    A large file is read once and then known by its name, size, and the times (ns) of its last changes. Each has a
    small file of its own below :func:`cache_folder`, which appears whole or not at all; where none can be written the
    large file is read each time.

    Raises:
        InputError: it is no regular file, cannot be read, or changes while it is read.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{path} is no regular file; put the file itself there, or a link to it")
        kept = _place(path) if status.st_size > SMALL else None
        if kept is not None and (known := _read(kept, _stamp(path, status))):
            return known
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            after = os.fstat(file.fileno())
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error
    if _stamp(path, after) != _stamp(path, status):
        raise InputError(f"{path} changed while it was read; run again when it is whole")
    if kept is not None and time.time() - max(status.st_mtime, status.st_ctime) > SETTLED:
        _keep(kept, {**_stamp(path, status), "sha256": digest})
    return digest


def _stamp(path: Path, status: os.stat_result) -> dict[str, str | int]:
    return {
        "path": str(path.resolve()), "size": status.st_size, "mtime": status.st_mtime_ns, "ctime": status.st_ctime_ns,
        "inode": status.st_ino,
    }  # fmt: skip


def _place(path: Path) -> Path | None:
    folder = cache_folder()
    return (
        None if folder is None else folder / f"{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:32]}.json"
    )


def _read(kept: Path, stamp: dict[str, str | int]) -> str | None:
    """The digest that is kept for a file of this name, size and time; None where there is none, or a damaged one."""
    try:
        values = json.loads(kept.read_bytes())
        digest = values.pop("sha256")
        return digest if values == stamp and len(bytes.fromhex(digest)) == 32 else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _keep(kept: Path, values: dict[str, str | int]) -> None:
    partial = kept.with_name(f".{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial.write_text(json.dumps(values))
        os.replace(partial, kept)
    except OSError:  # a home that is full, read-only or not there costs time alone
        pass
