"""Clips that are folders of images, and data sets of a user's own clips."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

# The module, not its class: importing video first comes through here before the class is there.
from zeroshot_vss import video
from zeroshot_vss.datasets.base import Clip, Frames, LabelMap
from zeroshot_vss.datasets.options import NamedClips, Options
from zeroshot_vss.errors import InputError
from zeroshot_vss.images import image_size, read_mask, read_rgb

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class MaskIds:
    """What the values of a mask mean."""

    table: NDArray[np.int16]
    """[256] class id or VOID of every stored value, -1 for values that must not occur."""
    expected: str
    """The allowed values in words, for messages, e.g. "0..124 or 255"."""

    @classmethod
    def of(cls, meaning: Mapping[int, int], expected: str) -> MaskIds:
        """From stored value to class id; values that are not named are refused."""
        table = np.full(256, -1, np.int16)
        table[list(meaning)] = list(meaning.values())
        return cls(table, expected)


class FolderClip(Clip):
    """A folder of frames, with or without a folder of masks `<stem of the frame>.png`.

    Frames are ordered by name, runs of digits in it by their value: `frame2` comes before `frame10`. Files of
    other kinds and hidden ones are passed over.

    Args:
        name: name of the clip.
        folder: the frames.
        masks: the masks; frames may lack theirs. None where the clip has none.
        ids: meaning of the values of masks; they are class ids already where None.
        consecutive: refuse names that are not numbers without a gap.
        only: names of the files to take, all frames of the folder where None.

    Raises:
        InputError: a folder is missing or holds nothing of use, or names break the rules above.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        masks: Path | None = None,
        ids: MaskIds | None = None,
        consecutive: bool = False,
        only: Collection[str] | None = None,
    ) -> None:
        self.name = name
        self._where = f"clip {name!r}"
        self._ids = ids
        self._frames = frame_files(folder, self._where)
        if only is not None:
            self._frames = _only(self._frames, only, self._where)
        if consecutive:
            self._frames = _consecutive(self._frames, self._where)
        self._masks = {} if masks is None else self._find_masks(masks)
        self.size = image_size(self._frames[0], self._where)

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
        path = self._masks.get(frame.stem)
        if path is None:
            return None
        stored = read_mask(path, self._where)
        self._check_size(f"mask {path.name}", stored.shape, f"its frame {frame.name}")
        if self._ids is None:
            return stored
        mapped = self._ids.table[stored]
        if (mapped < 0).any():
            value = stored[mapped < 0].min()
            raise InputError(f"{self._where}: mask {path.name} holds id {value}; expected {self._ids.expected}")
        return mapped.astype(np.uint8)

    def frame_name(self, index: int) -> str:
        """The stem of the frame's file."""
        return self._frame(index).stem

    def _frame(self, index: int) -> Path:
        if not 0 <= index < len(self._frames):
            raise IndexError(f"{self._where}: frame {index} of {len(self._frames)}")
        return self._frames[index]

    def _check_size(self, what: str, size: tuple[int, ...], other: str) -> None:
        if size != self.size:
            now, expected = f"{size[1]} x {size[0]}", f"{self.size[1]} x {self.size[0]}"
            raise InputError(f"{self._where}: {what} is {now} pixels, but {other} is {expected}")

    def _find_masks(self, folder: Path) -> dict[str, Path]:
        if not folder.is_dir():
            raise InputError(f"{self._where}: there is no folder {folder}")
        found = {path.stem: path for path in folder.iterdir() if path.suffix.lower() == ".png"}
        if not any(frame.stem in found for frame in self._frames):
            example = self._frames[0].stem
            raise InputError(f"{self._where}: {folder} holds no mask of any frame, such as {example}.png")
        return found


class UserOptions(Options):
    """Options of a user's own clips."""

    clips: dict[str, Path] = Field(min_length=1)
    """Name of each clip and its video file or folder of frames."""


class UserClips(NamedClips):
    """A user's own clips, without labels."""

    name = "user"
    legend = None

    def __init__(self, options: UserOptions) -> None:
        super().__init__(options.clips, options.limit)
        self._paths = options.clips

    def _open(self, name: str) -> Clip:
        path = self._paths[name].expanduser()
        if not path.exists():
            raise InputError(f"clip {name!r}: there is no file or folder {path}")
        return FolderClip(name, path) if path.is_dir() else video.VideoClip(name, path)


def frame_files(folder: Path, where: str) -> list[Path]:
    """The image files of a folder in natural order.

    Raises:
        InputError: there is no such folder or no image in it, or two have the same stem.
    """
    if not folder.is_dir():
        raise InputError(f"{where}: there is no folder {folder}")
    paths = [p for p in folder.iterdir() if p.suffix.lower() in FRAME_SUFFIXES and not p.name.startswith(".")]
    if not paths:
        raise InputError(f"{where}: folder {folder} holds no frames ({', '.join(s[1:] for s in FRAME_SUFFIXES)})")
    paths.sort(key=_natural)
    stems: dict[str, str] = {}
    for path in paths:
        if (twin := stems.setdefault(path.stem, path.name)) != path.name:
            raise InputError(f"{where}: {twin} and {path.name} are both frame {path.stem!r}; keep one of them")
    return paths


def _natural(path: Path) -> tuple[list[str | int], str]:
    # Text and numbers alternate, so that two names never compare one with the other.
    parts = re.split(r"([0-9]+)", path.stem)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)], path.name


def _only(paths: list[Path], names: Collection[str], where: str) -> list[Path]:
    wanted = set(names)
    missing = wanted - {path.name for path in paths}
    if missing:
        raise InputError(f"{where}: frame {min(missing)} is missing in {paths[0].parent}")
    return [path for path in paths if path.name in wanted]


def _consecutive(paths: list[Path], where: str) -> list[Path]:
    for path in paths:
        if not re.fullmatch("[0-9]+", path.stem):
            raise InputError(f"{where}: the name of frame {path.name} is not a number, e.g. 00000012{path.suffix}")
    for before, after in pairwise(paths):
        step = int(after.stem) - int(before.stem)
        if step == 0:
            raise InputError(f"{where}: {before.name} and {after.name} have the same number; keep one of them")
        if step > 1:
            missing = str(int(before.stem) + 1).zfill(len(before.stem)) + before.suffix
            raise InputError(f"{where}: frame {missing} is missing between {before.name} and {after.name}")
    return paths
