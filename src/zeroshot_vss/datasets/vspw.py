"""VSPW at 480p, https://www.vspwdataset.com (Miao et al., CVPR 2021)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from zeroshot_vss.datasets.base import VOID, Clip, Legend
from zeroshot_vss.datasets.folder import FolderClip
from zeroshot_vss.datasets.masks import MaskIds
from zeroshot_vss.datasets.options import NamedClips, RootOptions, find_root, read_list, root_key
from zeroshot_vss.errors import InputError

# The module, not its function: importing palette first comes through here before the function is there.
from zeroshot_vss.io import palette

CLASSES = 124

# 0 is "others" and 255 void: neither is scored.
IDS = MaskIds.of({0: VOID, VOID: VOID} | {stored: stored - 1 for stored in range(1, CLASSES + 1)}, "0..124 or 255")


class VspwOptions(RootOptions):
    """Options of VSPW; `root` is `VSPW_480p` or the folder that holds it."""

    split: Literal["train", "val", "test"] = "val"


class Vspw(NamedClips):
    """Clips at 480p and 15 frames a second, every frame labelled with 124 classes (the test split has no masks)."""

    name = "vspw"
    Options = VspwOptions
    protocol = "vspw"

    def __init__(self, options: VspwOptions) -> None:
        get = "ask for VSPW_480p on https://www.vspwdataset.com and unpack it"
        root = find_root(options.root, self.name, get)
        self._root = root / "VSPW_480p" if (root / "VSPW_480p").is_dir() else root
        self._split = options.split
        names = self._root / f"{options.split}.txt"
        if not names.is_file():
            raise InputError(f"data set 'vspw': {self._root} holds no {names.name}; {get}, {root_key(self.name)}")
        super().__init__(read_list(names), options)
        # In Pascal VOC's colours of the stored ids, as masks of this layout are usually shown.
        colours = palette.voc_colours(CLASSES + 1)[1:]
        self.legend = Legend(_class_names(self._root / "label_num_dic_final.json"), colours)

    def _open(self, name: str) -> Clip:
        folder = self._root / "data" / name
        masks = folder / "mask"
        unlabelled = self._split == "test" and not masks.is_dir()
        return FolderClip(name, folder / "origin", masks=None if unlabelled else masks, ids=IDS, consecutive=True)


def _class_names(path: Path) -> tuple[str, ...]:
    """Names by scored id (stored number - 1) from the file {name: stored number}; `class 0`, ... without it."""
    names = [f"class {index}" for index in range(CLASSES)]
    if path.is_file():
        try:
            numbers = {str(name): int(number) for name, number in json.loads(path.read_text("utf-8")).items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise InputError(f"data set 'vspw': {path.name} is not a table of names and numbers ({error})") from error
        for name, number in numbers.items():
            if 1 <= number <= CLASSES:
                names[number - 1] = name
    return tuple(names)
