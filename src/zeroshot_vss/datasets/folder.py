"""Clips that are folders of images."""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise
from pathlib import Path

from zeroshot_vss.datasets.file_clip import FileClip
from zeroshot_vss.datasets.masks import MaskReader
from zeroshot_vss.errors import InputError

FRAME_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


class FolderClip(FileClip):
    """A folder of frames, with or without a folder of masks `<stem of the frame>.png`.

    Frames are ordered by name, runs of digits in it by their value: `frame2` comes before `frame10`. Files of
    other kinds and hidden ones are passed over.

    Args:
        name: name of the clip.
        folder: the frames.
        masks: the masks; frames may lack theirs. None where the clip has none.
        ids: meaning of the masks' pixels; they hold class ids already where None.
        consecutive: refuse names that are not numbers without a gap.
        only: names of the files to take, all frames of the folder where None.
        complete: refuse frames without a mask.
        sparse: label maps are wanted of frames with a mask only.

    Raises:
        InputError: a folder is missing or holds nothing of use, or names break the rules above.
    """

    def __init__(
        self,
        name: str,
        folder: Path,
        *,
        masks: Path | None = None,
        ids: MaskReader | None = None,
        consecutive: bool = False,
        only: Collection[str] | None = None,
        complete: bool = False,
        sparse: bool = False,
    ) -> None:
        where = f"clip {name!r}"
        frames = frame_files(folder, where)
        if only is not None:
            frames = _only(frames, only, where)
        if consecutive:
            frames = _consecutive(frames, where)
        frame_masks = {} if masks is None else _find_masks(masks, frames, where)
        if complete and (bare := next((frame for i, frame in enumerate(frames) if i not in frame_masks), None)):
            raise InputError(f"{where}: frame {bare.name} has no mask {bare.stem}.png in {masks}; fetch it again")
        super().__init__(name, frames, frame_masks, ids=ids, sparse=sparse)


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


def _find_masks(folder: Path, frames: list[Path], where: str) -> dict[int, Path]:
    if not folder.is_dir():
        raise InputError(f"{where}: there is no folder {folder}")
    masks = {path.stem: path for path in folder.iterdir() if path.suffix.lower() == ".png"}
    frame_masks = {index: masks[frame.stem] for index, frame in enumerate(frames) if frame.stem in masks}
    if not frame_masks:
        raise InputError(f"{where}: {folder} holds no mask of any frame, such as {frames[0].stem}.png")
    return frame_masks


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
