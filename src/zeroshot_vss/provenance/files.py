"""Digests of files: of their contents, and cheap ones of what a listing says."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def files_digest(paths: Iterable[Path]) -> str:
    """One digest of the contents of several files, whatever their order and folder."""
    digests = sorted(file_digest(path) for path in paths)
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def listing_digest(paths: Iterable[Path]) -> str:
    """Digest of names, sizes and times of change (ns): other whenever a file was written, without reading one."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        known = path.stat()
        digest.update(f"{path} {known.st_size} {known.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
