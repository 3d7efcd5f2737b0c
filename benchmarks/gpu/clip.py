"""A clip of any length and size that is made when asked for, and coarse maps with a given number of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import Clip, Frames


class MovingPattern(Clip):
    """Smooth colours with squares, moving; no labels."""

    def __init__(self, length: int, size: tuple[int, int]) -> None:
        self.name, self.size, self._length = f"{length}-frames", size, length

    def __len__(self) -> int:
        return self._length

    def frames(self, indices: Sequence[int]) -> Frames:
        return np.stack([self._frame(index) for index in indices])

    def labels(self, index: int) -> None:
        return None

    def _frame(self, index: int) -> NDArray[np.uint8]:
        y, x = np.mgrid[: self.size[0], : self.size[1]].astype(np.float32)
        x += 3 * index
        colours = [np.sin(x / 40 + shift) * np.cos(y / 30 - shift) for shift in (0, 1, 2)]
        squares = 0.5 * ((x // 64 + y // 64) % 3 == 0)
        return np.uint8(np.clip(127 + 80 * (np.stack(colours, -1) + squares[..., None]), 0, 255))  # pyright: ignore


def coarse_maps(frames: Sequence[int], grid: tuple[int, int], labels: int) -> NDArray[np.uint8]:
    """[n, h, w] maps with bands of exactly so many labels in every frame, moving.

    Raises:
        ValueError: the grid has fewer cells.
    """
    cells = grid[0] * grid[1]
    if not 1 <= labels <= cells:
        raise ValueError(f"{labels} labels for {cells} cells; choose from 1 to {cells}")
    bands = (np.arange(cells) * labels // cells).astype(np.uint8)
    return np.stack([np.roll(bands, frame).reshape(grid) for frame in frames])
