"""What is kept of scored clips."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.metrics.base import Arrays


@dataclass(frozen=True)
class ClipScores:
    """The scores of one clip, from which figures over any set of clips can be pooled exactly."""

    clip: str
    protocol: str
    """Name of the protocol it was scored by."""
    frames: int
    """Number of frames with ground truth."""
    arrays: Arrays
    """What the protocol's metrics keep, by name: `confusion`, `vc8`, `strict_vc8`, `boundary_f`, `j`, ..."""


def save_clips(path: Path, clips: Sequence[ClipScores]) -> None:
    """Write a compressed .npz, whole or not at all. Missing folders are made."""
    arrays = {f"{place}.{name}": values for place, clip in enumerate(clips) for name, values in clip.arrays.items()}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            allow_pickle=False,
            clips=np.array([clip.clip for clip in clips], np.str_),
            protocols=np.array([clip.protocol for clip in clips], np.str_),
            frames=np.array([clip.frames for clip in clips], np.int64),
            **arrays,
        )


def load_clips(path: Path) -> list[ClipScores]:
    """Read what `save_clips` wrote.

    Raises:
        InputError: there is no such file, or it is something else.
    """
    try:
        # Opened here: numpy leaves the file open where it is torn.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            whole = zip(
                stored["clips"].tolist(), stored["protocols"].tolist(), stored["frames"].tolist(), strict=True
            )
            arrays: list[dict[str, np.ndarray]] = [{} for _ in stored["clips"]]
            for entry in stored:
                place, separator, name = entry.partition(".")
                if separator:
                    arrays[int(place)][name] = stored[entry]
            return [ClipScores(*words, kept) for words, kept in zip(whole, arrays, strict=True)]
    except (OSError, KeyError, IndexError, TypeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(
            f"{path}: no file of the scores of clips ({error}); delete it and the .json beside it and score again"
        ) from error
