"""HDF5 files that are read with checksums, and whose faults say which file it is and what to do."""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing


class StoredArray:
    """One array of a file, read when it is indexed.

    Args:
        path: of the file.
        data: the array.
    """

    def __init__(self, path: Path, data: h5py.Dataset) -> None:
        self._path, self._data = path, data
        self.shape: tuple[int, ...] = data.shape
        self.dtype: np.dtype[Any] = data.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, where: Any) -> Any:
        """A part, as NumPy has it.

        Raises:
            InputError: the part is damaged (its checksum is wrong), or the array has no such part.
        """
        with reading(self._path):
            return self._data[where]

    def frames(self) -> Iterator[NDArray[Any]]:
        """The array piece by piece [1, ...] along its first axis; whole where it has none.

        Raises:
            InputError: as above.
        """
        yield from (self[i : i + 1] for i in range(len(self))) if self.shape else (self[()],)


class ResultFile:
    """A result, opened for reading; a context manager.

    Raises:
        InputError: here and in all that is read later: the file is missing or damaged; the message says what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with reading(path):
            self._file = h5py.File(path, "r", locking="best-effort")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __iter__(self) -> Iterator[str]:
        with reading(self.path):
            return iter(sorted(map(str, self._file)))

    def __contains__(self, name: str) -> bool:
        with reading(self.path):
            return name in self._file

    def __getitem__(self, name: str) -> StoredArray:
        with reading(self.path):
            # What a file only points to is not read: results hold their own arrays.
            if name in self._file and not isinstance(self._file.get(name, getlink=True), h5py.HardLink):
                raise TypeError(f"{name} is a link")
            data = self._file[name]
            if not isinstance(data, h5py.Dataset):
                raise TypeError(f"{name} is no array")
            if data.is_virtual or data.external:
                raise TypeError(f"{name} lies in another file")
            return StoredArray(self.path, data)

    def expect(self, name: str, dtype: Any, shape: tuple[int | None, ...]) -> StoredArray:
        """An array of a known type and shape; None stands for any length.

        Raises:
            InputError: it is missing, damaged or otherwise.
        """
        data = self[name]
        fits = len(data.shape) == len(shape) and all(w in (None, g) for g, w in zip(data.shape, shape, strict=True))
        if data.dtype != np.dtype(dtype) or not fits:
            wanted = " x ".join("any" if side is None else str(side) for side in shape)
            raise damaged(self.path, f"{name} is {data.shape} {data.dtype}; expected {wanted} {np.dtype(dtype)}")
        return data

    def items(self) -> Iterator[tuple[str, StoredArray]]:
        """Names and arrays."""
        for name in self:
            yield name, self[name]

    @property
    def attrs(self) -> dict[str, Any]:
        """The attributes of the file; texts as `str`."""
        with reading(self.path):
            attributes = dict(self._file.attrs)
            return {name: value.decode() if isinstance(value, bytes) else value for name, value in attributes.items()}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong inside the block says that `path` is damaged."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # HDF5 raises many kinds, depending on where a damaged file gives way
        raise damaged(path, str(error)) from error


def damaged(path: Path, why: str) -> InputError:
    """What to do about a result that is missing, damaged or not what it should be."""
    manifests = ", ".join(manifests_of(path))
    named = f" ({manifests})" if manifests else ""
    return InputError(
        f"{path} is missing or damaged ({why}); delete it and its manifest{named} and run again: "
        "what is sound beside it is kept"
    )


def manifests_of(path: Path) -> list[str]:
    """Names of the manifests beside a clip's result that know it."""
    manifests = []
    for candidate in sorted(path.parent.glob("*.json")):
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            if path.stem in json.loads(candidate.read_text())["clips"]:
                manifests.append(candidate.name)
    return manifests


def add_maps(
    file: h5py.File, name: str, count: int, shape: tuple[int, ...], dtype: Any, fill: int = 0
) -> h5py.Dataset:
    """A dataset [count, *shape] that is chunked by frame, so that one frame can be read alone, with checksums.

    Frames that are never written hold `fill` and take no space.
    """
    filters: dict[str, Any] = {"fletcher32": True}
    if np.dtype(dtype).kind in "iu":
        filters |= {"compression": "gzip", "compression_opts": 1}
    return file.create_dataset(
        name, (count, *shape), dtype, chunks=(1, *shape), track_times=False, fillvalue=fill, **filters
    )


def add_array(file: h5py.File, name: str, values: NDArray[Any]) -> None:
    """A dataset that is read whole, with a checksum."""
    # HDF5 knows checksums of chunks alone, and no empty chunks.
    whole: dict[str, Any] = {"chunks": values.shape, "fletcher32": True} if values.size and values.ndim else {}
    file.create_dataset(name, data=values, track_times=False, **whole)


def add_text(file: h5py.File, name: str, text: str) -> None:
    """An attribute of the file."""
    # Of fixed length: HDF5 keeps others apart, without a checksum, and a flipped bit there can make it read for ever.
    file.attrs[name] = np.bytes_(text.encode())


def write_file(path: Path, fill: Callable[[h5py.File], None]) -> None:
    """Let `fill` write an HDF5 file that becomes `path` when it is whole.

    Raises:
        InputError: the disk is full, or the folder is read-only.
    """
    with replacing(path) as partial:
        # Without a cache of chunks each frame is written when it is assigned. With one, HDF5 writes some when the
        # dataset is let go, where a full disk is no exception: the frame would silently be missing, or HDF5 crash.
        file = h5py.File(partial, "w", libver="latest", locking="best-effort", rdcc_nbytes=0)
        try:
            fill(file)
            try:
                file.flush()
                file.close()
            except (OSError, RuntimeError) as error:
                raise OSError(_number(error), str(error)) from error
        except BaseException:
            with suppress(OSError, RuntimeError):  # as above: what is left in HDF5's hands cannot be written either
                file.close()
            raise


def _number(error: Exception) -> int:
    """The system's number of an error that HDF5 hands on in words."""
    match = re.search(r"errno = (\d+)", str(error))
    return int(match[1]) if match else errno.EIO
