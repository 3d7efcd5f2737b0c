"""Results of a stage: one HDF5 file a clip, written whole or not at all, and a manifest for each job.

The manifest is what the workflow tracks. It names the clips' files with digests of what they hold, so it changes
exactly when a result changes; and a job that is run again keeps the clips which are already whole. Whoever reads a
result reads it through the manifest, which notices a file that is not the one it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import measured
from zeroshot_vss.io.files import check_name, replacing
from zeroshot_vss.io.hdf import ResultFile, add_array, add_maps, add_text, damaged, write_file
from zeroshot_vss.machine.parallel import share
from zeroshot_vss.provenance.versions import versions

__all__ = [
    "ClipKey",
    "Manifest",
    "add_array",
    "add_maps",
    "console",
    "content_digest",
    "find_files",
    "has_key",
    "key_of",
    "open_clip",
    "read_all",
    "results_of",
    "run_clips",
    "valid_digest",
    "write_clip",
]

ClipKey = Mapping[str, Any]
"""All that a clip's result depends on, as JSON."""

console = Console(stderr=True, soft_wrap=True)


def key_text(key: ClipKey) -> str:
    """The key as text, the same whatever the order of its entries."""
    return json.dumps(key, sort_keys=True)


def write_clip(path: Path, key: ClipKey, fill: Callable[[h5py.File], None]) -> None:
    """Let `fill` write an HDF5 file that becomes `path` when it is whole, with its key and versions as attributes.

    Raises:
        InputError: the disk is full, or the folder is read-only.
    """

    def keyed(file: h5py.File) -> None:
        fill(file)
        add_text(file, "key", key_text(key))
        add_text(file, "versions", json.dumps(versions()))

    write_file(path, keyed)


def open_clip(path: Path) -> ResultFile:
    """Open a result for reading.

    Raises:
        InputError: it is missing or damaged; the message says what to do. Also in all that is read from it later.
    """
    return ResultFile(path)


def read_all(path: Path, name: str) -> NDArray[Any]:
    """One dataset of a result, whole."""
    with open_clip(path) as file:
        return file[name][()]


def key_of(path: Path) -> dict[str, Any]:
    """The key of a result: what it depends on.

    Raises:
        InputError: the result is missing, damaged, or none of the workflow's.
    """
    with open_clip(path) as file:
        try:
            return json.loads(str(file.attrs["key"]))
        except (KeyError, ValueError) as error:
            raise InputError(f"{path} has no key ({error}); delete it, and its stage makes it again") from error


def has_key(path: Path, key: ClipKey) -> bool:
    """Whether a result with this key is there; it may be damaged, see `valid_digest`."""
    try:
        with open_clip(path) as file:
            return file.attrs.get("key") == key_text(key)
    except InputError:
        return False


def content_digest(path: Path) -> str:
    """SHA-256 of the datasets of a result: their names, types and values, but not the key that led to them.

    Raises:
        InputError: it is missing or damaged.
    """
    digest = hashlib.sha256()
    with open_clip(path) as file:
        for name, data in file.items():
            digest.update(f"{name} {data.dtype} {data.shape}\n".encode())
            for part in data.frames():
                digest.update(np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()


def valid_digest(path: Path, key: ClipKey) -> str | None:
    """Digest of a result that has this key and is whole; None of any other."""
    try:
        return content_digest(path) if has_key(path, key) else None
    except InputError as error:
        console.print(f"done again: {error}", markup=False)
        return None


class Manifest:
    """The finished clips of a job.

    Args:
        path: the manifest; the clips' files lie beside it.
        digests: clip to the digest of what its file holds.
    """

    def __init__(self, path: Path, digests: dict[str, str]) -> None:
        self.path, self.digests = path, digests
        self._verified: set[str] = set()

    @classmethod
    def load(cls, path: Path | str) -> Manifest:
        """Read a manifest.

        Raises:
            InputError: it is missing or is none.
        """
        path = Path(path)
        try:
            digests = json.loads(path.read_text())["clips"]
            if not isinstance(digests, dict) or not all(isinstance(digest, str) for digest in digests.values()):
                raise TypeError("its clips have no digests")
        except (OSError, ValueError, LookupError, TypeError, RecursionError) as error:
            raise InputError(f"{path} is no manifest ({error}); delete it and run again") from error
        for clip in digests:
            check_name(clip, f"manifest {path}")
        return cls(path, digests)

    def digest(self, clip: str) -> str:
        """Digest of what the clip's result holds.

        Raises:
            InputError: the manifest does not know the clip.
        """
        if clip not in self.digests:
            raise InputError(f"{self.path} knows no clip '{clip}'; delete it and run again")
        return self.digests[clip]

    def file(self, clip: str) -> Path:
        """Where the clip's result is."""
        return self.path.parent / f"{clip}.h5"

    def verified(self, clip: str) -> Path:
        """The clip's result, once it is known to hold what the manifest says. Reads it all the first time.

        Raises:
            InputError: it is missing, damaged, or not the one that the manifest names.
        """
        path, expected = self.file(clip), self.digest(clip)
        if clip not in self._verified:
            if content_digest(path) != expected:
                raise damaged(path, f"its content is not what {self.path.name} names")
            self._verified.add(clip)
        return path

    def files(self) -> list[Path]:
        """Where the results of all clips are."""
        return [self.file(clip) for clip in self.digests]

    def write(self) -> None:
        """Write the manifest, whole or not at all."""
        with replacing(self.path) as partial:
            partial.write_text(json.dumps({"clips": self.digests}, indent=1) + "\n")


def results_of(manifests: Iterable[Path | str]) -> list[Path]:
    """Where the results are that some manifests name."""
    return [file for path in manifests for file in Manifest.load(path).files()]


def find_files(clips: Sequence[str], manifests: Sequence[Manifest]) -> dict[str, Path]:
    """The verified result of each clip, from the manifests of several jobs.

    Raises:
        InputError: a clip is in none of them, or a result is not what its manifest names.
    """
    known = {name: manifest for manifest in manifests for name in manifest.digests}
    if missing := [name for name in clips if name not in known]:
        raise InputError(f"no result of clip '{missing[0]}' in {', '.join(str(m.path) for m in manifests)}")
    return {name: known[name].verified(name) for name in clips}


def run_clips(
    title: str,
    path: Path | str,
    clips: Sequence[str],
    key: Callable[[str], ClipKey],
    work: Callable[[str, h5py.File], None],
    inputs: Sequence[Manifest] = (),
    workers: int = 1,
) -> None:
    """Do a stage for the clips of a job and write its manifest.

    Args:
        title: of the stage, for progress and messages.
        path: the manifest to write.
        clips: names.
        key: what a clip's result depends on beside its inputs.
        work: makes a clip's result in the open file.
        inputs: manifests of the stages before; the digests of their files become part of the key.
        workers: processes that share the clips; they are forked, so nothing may have used threads before.
    """
    done = Manifest(Path(path), {})
    missing: list[tuple[str, ClipKey]] = []
    for clip in clips:
        depends = {**key(clip), "inputs": [manifest.digest(clip) for manifest in inputs]}
        digest = valid_digest(done.file(clip), depends)
        if digest is None:
            missing.append((clip, depends))
        else:
            console.print(f"{title}: {clip} is there already")
            done.digests[clip] = digest

    def do(clip: str, depends: ClipKey) -> None:
        console.print(f"{title}: {clip}")

        def fill(file: h5py.File) -> None:
            # The cost is kept before the result appears, so that no finished clip lacks it.
            with measured(done.file(clip), min(workers, len(missing))):
                work(clip, file)

        write_clip(done.file(clip), depends, fill)

    share(missing, do, workers)
    done.digests |= {clip: content_digest(done.file(clip)) for clip, _ in missing}
    done.digests = {clip: done.digests[clip] for clip in clips}
    done.write()
