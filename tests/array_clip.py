"""A clip and a data set held in memory, for tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zeroshot_vss.datasets.base import Clip, DataSet, Frames, LabelMap


class ArrayClip(Clip):
    """Labels as given, None for frames without; frames are black where none are given."""

    def __init__(self, name: str, labels: Sequence[LabelMap | None], frames: Frames | None = None) -> None:
        self.name = name
        self._frames = frames
        self._labels = labels
        self.size = next((ids.shape[0], ids.shape[1]) for ids in labels if ids is not None)

    def __len__(self) -> int:
        return len(self._labels)

    def frames(self, indices: Sequence[int]) -> Frames:
        if self._frames is not None:
            return self._frames[list(indices)]
        return np.zeros((len(indices), *self.size, 3), np.uint8)

    def labels(self, index: int) -> LabelMap | None:
        return self._labels[index]


class ArrayDataSet(DataSet):
    """Clips by name."""

    name = "arrays"
    legend = None

    def __init__(self, clips: Mapping[str, Sequence[LabelMap | None]]) -> None:
        self._clips = clips

    def clips(self) -> list[str]:
        return list(self._clips)

    def position(self, name: str) -> int:
        return self.clips().index(name)

    def files(self, name: str) -> Sequence[Path]:
        return ()

    def clip(self, name: str) -> Clip:
        return ArrayClip(name, self._clips[name])
