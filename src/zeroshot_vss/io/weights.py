"""Weights of a model: where they are, what their files are, and the digest of all their bytes. Imports no torch."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from pydantic import model_validator
from safetensors import SafetensorError, safe_open

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.digests import sha256
from zeroshot_vss.io.places import full_path
from zeroshot_vss.settings.base import Settings


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
        if self.revision is None and is_fetched(self.path, self.download):
            raise ValueError(f"{self.what} '{self.name}': download needs a revision (a commit of {self.path})")
        return self


def is_repository(path: str) -> bool:
    """Whether a path that is no folder can be a repository of the hub."""
    return path.count("/") == 1 and not path.startswith((".", "/", "~", "$"))


def is_fetched(path: str, download: bool) -> bool:
    """Whether the first job that needs these weights may fetch them: they are in no folder."""
    return download and is_repository(path) and not Path(path).is_dir()


def local_folder(weights: Weights, wanted: Sequence[str]) -> Path:
    """The local folder of a model's files.

    Args:
        weights: where they are.
        wanted: patterns of the files that are fetched from the hub, where fetching is allowed.

    Raises:
        InputError: they are not there; the message says what to get and where to put it.
    """
    local = full_path(weights.path, f"{weights.what} '{weights.name}'")
    if local.is_dir():
        return local
    if not is_repository(weights.path):
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


STORED = ("F64", "F32", "F16", "BF16")
"""Types of numbers that weights may have, by their names in safetensors files."""
BUFFERS = ("position_ids", "num_batches_tracked", "relative_position_index")
"""Ends of the names of tensors that count or point, and so are integers."""
CONFIGS = (".json", ".txt", ".jinja", ".model")
"""Ends of the names of what is read beside weights: configs, vocabularies, lists of shards."""


@dataclass(frozen=True)
class Part:
    """A part of a model: a folder in the format of diffusers or transformers, or a single file.

    Every file that a load can read is one of :attr:`files`, and so part of the digest.
    """

    path: Path
    needs: tuple[str, ...] = ("config.json",)
    """Names of files that the folder must hold."""
    weights: bool = True
    """Whether it holds tensors, as safetensors."""
    resident: bool = False
    """Whether they stay in memory in the model's precision once it is loaded."""
    resident_single: bool = False
    """The same, in single precision whatever the model's."""
    single: bool = False
    """Whether it is a single file, which needs nothing beside it."""
    instead: str | None = None
    """What is missing where the part is, in messages; by default its name."""

    @cached_property
    def weight_files(self) -> list[Path]:
        """The safetensors files that are loaded: full precision where there, else the fp16 variant.

        Averages over training steps (`ema`) are none of them.
        """
        if not self.weights:
            return []
        if self.single:
            return [self.path] if self.path.exists() else []
        files = sorted(self.path.glob("*.safetensors"))
        full = [path for path in files if ".fp16." not in path.name and "ema" not in path.name]
        return full or [path for path in files if ".fp16." in path.name]

    @property
    def variant(self) -> str | None:
        """`fp16` where the weights are in half precision alone, as `from_pretrained` calls it."""
        return "fp16" if self.weight_files and all(".fp16." in path.name for path in self.weight_files) else None

    @cached_property
    def files(self) -> list[Path]:
        """All that a load can read."""
        if self.single:
            return [self.path]
        return sorted({*self.weight_files, *(path for path in self.path.iterdir() if path.suffix in CONFIGS)})

    def missing(self) -> list[str]:
        """What is not there, with the part's name before it."""
        name = self.path.name
        absent = [f"{name}/{need}" for need in self.needs if not (self.single or (self.path / need).exists())]
        if self.weights and not self.single and not self.weight_files:
            absent.append(f"{name}/*.safetensors")
        if self.path.exists():
            return absent
        return [self.instead] if self.instead else absent or [name]

    def check(self, whose: str) -> None:
        """Refuse what cannot be loaded, by the names and headers of the files; no weight is read.

        Raises:
            InputError: a pipe, a device or a folder stands in the place of a file; a list of shards leads out of the
                folder; weights are no whole safetensors files, or of integers or complex numbers.
        """
        if not self.single and not self.path.is_dir():
            raise InputError(f"{whose}: {self.path} is no folder; get it again")
        for path in self.files if self.single else sorted(self.path.iterdir()):
            if not path.is_file() and (path in self.files or not path.is_dir()):
                raise InputError(f"{whose}: {path} is no regular file; put the file itself there, or a link to it")
        for path in self.files:
            if ".safetensors.index." in path.name:
                self._check_shards(whose, path)
        self.stored(whose)

    def _check_shards(self, whose: str, path: Path) -> None:
        try:
            named = {str(name) for name in json.loads(path.read_bytes())["weight_map"].values()}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InputError(f"{whose}: {path} is no list of shards ({error!r}); get it again") from error
        known = {file.name for file in self.path.glob("*.safetensors")}
        if wrong := sorted(named - known):
            raise InputError(
                f"{whose}: {path} names {wrong[0]!r}, which is no safetensors file beside it; get it again"
            )

    def stored(self, whose: str) -> Counter[str]:
        """How many numbers of which type the weights are, by the headers of their files.

        Raises:
            InputError: a file is damaged, or its numbers are integers or complex.
        """
        counts: Counter[str] = Counter()
        for path in self.weight_files:
            try:
                with safe_open(path, framework="np") as file:
                    tensors = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
                    types = {name: (t.get_dtype(), math.prod(t.get_shape())) for name, t in tensors.items()}
            except (SafetensorError, OSError) as error:
                raise InputError(
                    f"{whose}: {path} is no whole safetensors file ({error}); get it again "
                    "(a file of some hundred bytes is a pointer of Git LFS: `git lfs pull`)"
                ) from error
            for name, (kind, count) in types.items():
                if kind not in STORED and not name.endswith(BUFFERS):
                    raise InputError(
                        f"{whose}: {path}: tensor '{name}' is stored as {kind}; expected one of {', '.join(STORED)}: "
                        "take a version of the weights that is neither quantised nor converted"
                    )
                counts[kind] += count
        return counts


def parts_digest(parts: Mapping[str, Part]) -> str:
    """Digest of all bytes of all files that loading some parts can read, by the parts' names; not of their place.

    Raises:
        InputError: a file cannot be read.
    """
    digest = hashlib.sha256()
    for name, part in sorted(parts.items()):
        for path in part.files:
            inside = "" if part.single else path.name
            digest.update(f"{name}/{inside} {sha256(path)}\n".encode())
    return digest.hexdigest()[:16]
