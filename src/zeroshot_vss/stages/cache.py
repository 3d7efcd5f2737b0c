"""Reading the feature cache of a clip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.io.hdf import damaged
from zeroshot_vss.io.store import open_clip
from zeroshot_vss.method.batches import Row


class FeatureCache:
    """A clip's cached queries, read a batch at a time.

    Args:
        path: the clip's file of the feature stage.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = open_clip(path)
        rows = self._file["rows"][()]
        blocks = [name for name in self._file if name.startswith("block")]
        shapes = {self._file[name].shape for name in blocks}
        shape = shapes.pop() if len(shapes) == 1 else ()
        if len(shape) != 4 or not shape[0] or rows.shape != (shape[0], 3) or rows.dtype.kind != "i":
            self._file.close()
            raise damaged(path, "it holds no features")
        self._place = {Row(*map(int, row)): index for index, row in enumerate(rows)}
        self.frames = max(row.frame for row in self._place) + 1
        self.grid: tuple[int, int] = shape[1:3]
        self.cells = self.grid[0] * self.grid[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def last_rows(self) -> list[Row]:
        """One row a frame, in order: the last that was cached for it."""
        last = {row.frame: row for row in self._place}
        return [last[frame] for frame in range(self.frames)]

    def tokens(self, block: int, rows: Sequence[Row]) -> NDArray[np.float32]:
        """Queries [n, h * w, C] of a block for some rows.

        Raises:
            InputError: the cache lacks one of them.
        """
        if missing := [row for row in rows if row not in self._place]:
            raise damaged(self.path, f"it holds no features for {missing[0]}")
        data = self._file[f"block{block}"]
        queries = np.stack([data[self._place[row]] for row in rows]).astype(np.float32)
        return queries.reshape(len(rows), self.cells, -1)

    def aggregated(self, blocks: Sequence[int], rows: Sequence[Row]) -> NDArray[np.float32]:
        """Mean over the blocks' queries (feature aggregation), [n, h, w, C]."""
        total = sum(self.tokens(block, rows) for block in blocks)
        mean = np.asarray(total, np.float32) / np.float32(len(blocks))
        return mean.reshape(len(rows), *self.grid, -1)
