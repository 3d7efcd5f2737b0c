"""The interface of a data set: clips of frames, with or without labels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.uint8]
"""[n, H, W, 3] RGB."""
LabelMap = NDArray[np.uint8]
"""[H, W] class ids, 0 .. classes - 1, or VOID."""

VOID = 255
"""Pixels without a class: left out of mIoU where the protocol says so, an ordinary label elsewhere."""


class Clip(ABC):
    """One video. Frames are read when asked for, so that memory does not grow with length."""

    name: str
    size: tuple[int, int]
    """Height and width of every frame."""
    reference: int = 0
    """The frame whose annotation names the clusters."""

    @abstractmethod
    def __len__(self) -> int:
        """Number of frames."""

    @abstractmethod
    def frames(self, indices: Sequence[int]) -> Frames:
        """The named frames, 0-based, in the order asked for.

        Raises:
            InputError: a frame cannot be read or has another size than the first.
        """

    @abstractmethod
    def labels(self, index: int) -> LabelMap | None:
        """Ground truth of a frame, or None where the clip or the frame has none.

        Raises:
            InputError: the mask has another size than its frame or holds an id outside the classes.
        """

    def mapped(self) -> Sequence[int]:
        """The frames whose full-resolution label maps are wanted, in order; cheap (nothing is read).

        All of them, but for clips with few annotated frames: then these alone.
        """
        return range(len(self))

    def annotated(self) -> int | None:
        """Number of frames with a mask; None where counting them would read the clip."""
        return None

    def files(self) -> Sequence[Path]:
        """Every file that the clip is read from, so that exchanged ones are noticed; none for generated clips."""
        return ()

    def check_files(self) -> None:  # noqa: B027 - clips without files have nothing to check
        """What can be checked without reading an image.

        Raises:
            InputError: naming the first empty file.
        """

    def frame_name(self, index: int) -> str:
        """What the frame is called in messages and in folders of predictions, without an ending.

        Readers of folders give the stem of the frame's file.
        """
        return f"{index:08d}"

    def file_name(self, index: int) -> str:
        """The name of the frame's file; of frames without files that which CVAT gives to those of a video."""
        return f"frame_{index:06d}.png"

    def check(self) -> None:
        """Read everything once, cheaply, before GPU time is spent.

        Raises:
            InputError: naming the first thing that is wrong.
        """
        for index in range(len(self)):
            self.frames([index])
            self.labels(index)


@dataclass(frozen=True)
class Legend:
    """Names and colours of the classes, by id."""

    names: tuple[str, ...]
    colours: NDArray[np.uint8]
    """[classes, 3] RGB."""


class DataSet(ABC):
    """A named collection of clips."""

    name: str
    legend: Legend | None
    """None where clusters are the labels."""
    protocol: str | None = None
    """How it is scored unless another protocol is asked for; None where there is no ground truth."""
    unique_frames: bool = False
    """Whether no two clips share a name of a frame, so that predictions may lie anywhere in their folder."""

    def legend_of(self, clip: str) -> Legend | None:
        """The legend of a clip; that of the data set but where each clip has its own."""
        return self.legend

    @abstractmethod
    def clips(self) -> list[str]:
        """Names of the clips, in the data set's own order; cheap (no frame is read)."""

    def attributes(self) -> dict[str, tuple[str, ...]]:
        """What the data set says of its clips in words, such as DAVIS's `OCC` for occlusion; by default nothing."""
        return {}

    @abstractmethod
    def position(self, name: str) -> int:
        """Place of a clip among all that there are, whichever are chosen: jobs are made up by it."""

    @abstractmethod
    def files(self, name: str) -> Sequence[Path]:
        """Every file that a clip is read from; no image is decoded."""

    @abstractmethod
    def clip(self, name: str) -> Clip:
        """Open a clip.

        Raises:
            InputError: there is no such clip, or its folder is not as it should be.
        """
