"""Clips whose frames and masks are image files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from zeroshot_vss.datasets.base import Clip, Frames, LabelMap
from zeroshot_vss.datasets.masks import MaskReader
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.images import image_size, read_mask, read_rgb


class FileClip(Clip):
    """Frames in a given order, each a file, with or without masks.

    Args:
        name: name of the clip.
        frames: the frames, at least one.
        masks: the masks by the index of their frame; frames may lack theirs.
        ids: meaning of the masks' pixels; they hold class ids already where None.
        sparse: label maps are wanted of frames with a mask only.

    Raises:
        InputError: the first frame is missing or no image.
    """

    def __init__(
        self,
        name: str,
        frames: Sequence[Path],
        masks: Mapping[int, Path],
        *,
        ids: MaskReader | None = None,
        sparse: bool = False,
    ) -> None:
        self.name = name
        self._where = f"clip {name!r}"
        self._frames = frames
        self._masks = masks
        self._ids = ids
        self._sparse = sparse
        self.size = image_size(frames[0], self._where)

    def __len__(self) -> int:
        return len(self._frames)

    def frames(self, indices: Sequence[int]) -> Frames:
        out = np.empty((len(indices), *self.size, 3), np.uint8)
        for place, index in enumerate(indices):
            path = self._frame(index)
            picture = read_rgb(path, self._where)
            self._check_size(f"frame {path.name}", picture.shape[:2], f"the first, {self._frames[0].name},")
            out[place] = picture
        return out

    def labels(self, index: int) -> LabelMap | None:
        frame = self._frame(index)
        path = self._masks.get(index)
        if path is None:
            return None
        labels = read_mask(path, self._where) if self._ids is None else self._ids.read(path, self._where)
        self._check_size(f"mask {path.name}", labels.shape, f"its frame {frame.name}")
        return labels

    def mapped(self) -> Sequence[int]:
        return sorted(self._masks) if self._sparse else range(len(self))

    def annotated(self) -> int:
        return len(self._masks)

    def files(self) -> list[Path]:
        return [*self._frames, *self._masks.values()]

    def check_files(self) -> None:
        empty = [
            path for path in (*self._frames, *self._masks.values()) if path.is_file() and not path.stat().st_size
        ]
        if empty:
            raise InputError(
                f"{self._where}: {len(empty)} files are empty (0 bytes), the first is {empty[0]}; fetch them again, "
                "or leave the clip out (`exclude` among the options of its data set)"
            )

    def frame_name(self, index: int) -> str:
        """The stem of the frame's file."""
        return self._frame(index).stem

    def file_name(self, index: int) -> str:
        """The name of the frame's file."""
        return self._frame(index).name

    def _frame(self, index: int) -> Path:
        if not 0 <= index < len(self._frames):
            raise IndexError(f"{self._where}: frame {index} of {len(self._frames)}")
        return self._frames[index]

    def _check_size(self, what: str, size: tuple[int, ...], other: str) -> None:
        if size != self.size:
            now, expected = f"{size[1]} x {size[0]}", f"{self.size[1]} x {self.size[0]}"
            raise InputError(f"{self._where}: {what} is {now} pixels, but {other} is {expected}")
