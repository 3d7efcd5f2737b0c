"""What is kept of a scored clip."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.metrics.base import Arrays

_ARRAY = "array."


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

    def save(self, path: Path) -> None:
        """Write a compressed .npz, whole or not at all. Missing folders are made."""
        arrays = {_ARRAY + name: values for name, values in self.arrays.items()}
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                clip=np.array(self.clip),
                protocol=np.array(self.protocol),
                frames=np.array(self.frames),
                **arrays,
            )

    @classmethod
    def load(cls, path: Path) -> ClipScores:
        """Read what `save` wrote.

        Raises:
            InputError: there is no such file, or it is something else.
        """
        try:
            # Opened here: numpy leaves the file open where it is torn.
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                return cls(
                    clip=str(stored["clip"]),
                    protocol=str(stored["protocol"]),
                    frames=int(stored["frames"]),
                    arrays={name.removeprefix(_ARRAY): stored[name] for name in stored if name.startswith(_ARRAY)},
                )
        except (OSError, KeyError, TypeError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise InputError(f"{path}: not a file of clip scores ({error}); score the clip again") from error
