"""Reading what the inspection stage kept of a clip."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import read_all


class InspectedVariation(NamedTuple):
    """A variation in n frames; see `stages.inspect.run`."""

    coarse: NDArray[np.uint8]
    places: NDArray[np.int32]
    differences: NDArray[np.float16]
    filtered: NDArray[np.float16]
    labels: NDArray[np.uint8]
    unfiltered_labels: NDArray[np.uint8]

    def labels_in(self, frame: int) -> list[int]:
        """Labels that have a difference map in a frame, ascending.

        Raises:
            InputError: there are none.
        """
        labels = sorted(int(label) for label, place in self.places if place == frame)
        if not labels:
            raise InputError(f"frame {frame} of those inspected has a single label; choose another frame or clip")
        return labels

    def place(self, label: int, frame: int) -> int:
        """Index of a difference map."""
        return int(np.flatnonzero((self.places == (label, frame)).all(1))[0])

    def masks(self, frame: int) -> NDArray[np.bool_]:
        """Coarse masks [labels, h, w] of :meth:`labels_in`."""
        return self.coarse[frame] == np.array(self.labels_in(frame))[:, None, None]


def read_variation(path: Path, number: int) -> InspectedVariation:
    """A variation of a clip by its number."""
    return InspectedVariation(*(read_all(path, f"{name}{number}") for name in InspectedVariation._fields))
