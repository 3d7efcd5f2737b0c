"""Weights of a model: a local folder or a repository of the hub, and digests of their files. Imports no torch."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator

from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.base import Settings

TAIL = 2**24
"""Bytes at the end of each file that a quick digest reads."""


class Weights(Settings):
    """Where the weights of a model are."""

    what: ClassVar[str] = "model"
    """Before the name in messages."""
    where: ClassVar[str] = "models: {name}"
    """The place in the configuration, in messages."""

    name: str
    path: str
    """A folder, or a repository of the hub."""
    revision: str | None = None
    """Commit of a hub repository; needed to fetch it, so that results can be repeated."""
    download: bool = False
    """Whether files of a hub repository may be fetched. Without, they must be in the local cache."""

    @model_validator(mode="after")
    def _pinned(self) -> Weights:
        if not Path(self.path).is_dir() and self.download and self.revision is None:
            raise ValueError(f"{self.what} '{self.name}': download needs a revision (a commit of {self.path})")
        return self


def local_folder(weights: Weights, wanted: Sequence[str]) -> Path:
    """The local folder of a model's files.

    Args:
        weights: where they are.
        wanted: patterns of the files that are fetched from the hub, where fetching is allowed.

    Raises:
        InputError: they are not there; the message says what to get and where to put it.
    """
    local = Path(weights.path).expanduser()
    if local.is_dir():
        return local
    if weights.path.count("/") != 1 or weights.path.startswith((".", "/", "~")):
        raise InputError(f"{weights.what} '{weights.name}': there is no folder {weights.path}")
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        folder = snapshot_download(
            weights.path,
            revision=weights.revision,
            allow_patterns=list(wanted),
            local_files_only=not weights.download,
        )
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError, ValueError) as error:
        pinned = f" --revision {weights.revision}" if weights.revision else ""
        raise InputError(
            f"{weights.what} '{weights.name}': {weights.path} is neither a folder nor in the local cache; "
            f"run `hf download {weights.path}{pinned}`, or set {weights.where.format(name=weights.name)}: path: to a "
            "folder of it, or set download: true"
        ) from error
    return Path(folder)


def quick_digest(folder: Path, files: Iterable[Path]) -> str:
    """A cheap digest (names, sizes and the last 16 MiB of each file) that changes when weights are exchanged."""
    digest = hashlib.sha256()
    for path in files:
        size = path.stat().st_size
        digest.update(f"{os.path.relpath(path, folder)} {size} ".encode())
        with path.open("rb") as file:
            file.seek(max(size - TAIL, 0))
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]
