"""A clip's finished label maps with their names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.clips.naming import Naming, used
from zeroshot_vss.datasets.base import Clip, Legend


class Maps(Protocol):
    """[n, H, W] uint8 label maps in memory or in an open file, read by `maps[first:last]`."""

    def __getitem__(self, some: slice, /) -> NDArray[np.uint8]: ...


@dataclass(frozen=True)
class ClipResult:
    """What a method found in a clip."""

    clip: Clip
    maps: Maps
    """As the method left them."""
    naming: Naming
    at_once: int = 8
    """Frames that are read together."""

    @property
    def legend(self) -> Legend:
        """Names and colours of all labels."""
        return self.naming.legend

    @cached_property
    def shown(self) -> list[int]:
        """The labels that occur, rising; reads all maps."""
        return used(maps for _, maps in self.parts())

    def parts(self) -> Iterator[tuple[list[int], NDArray[np.uint8]]]:
        """Some frames and their maps [m, H, W], from front to back."""
        for first in range(0, len(self.clip), self.at_once):
            frames = list(range(first, min(first + self.at_once, len(self.clip))))
            yield frames, self.labels(frames)

    def labels(self, frames: Sequence[int]) -> NDArray[np.uint8]:
        """[m, H, W] label maps of consecutive frames."""
        return self.naming.apply(np.asarray(self.maps[frames[0] : frames[-1] + 1]))
