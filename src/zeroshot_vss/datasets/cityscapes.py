"""Cityscapes' sequences with fine labels, https://www.cityscapes-dataset.com (Cordts et al., CVPR 2016)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from zeroshot_vss.datasets.base import VOID, Clip, Legend
from zeroshot_vss.datasets.file_clip import FileClip
from zeroshot_vss.datasets.masks import MaskIds
from zeroshot_vss.datasets.options import NamedClips, RootOptions, find_root, root_key
from zeroshot_vss.errors import InputError

_CLASSES = {
    "unlabeled": (0, 0, 0),
    "ego vehicle": (0, 0, 0),
    "rectification border": (0, 0, 0),
    "out of roi": (0, 0, 0),
    "static": (0, 0, 0),
    "dynamic": (111, 74, 0),
    "ground": (81, 0, 81),
    "road": (128, 64, 128),
    "sidewalk": (244, 35, 232),
    "parking": (250, 170, 160),
    "rail track": (230, 150, 140),
    "building": (70, 70, 70),
    "wall": (102, 102, 156),
    "fence": (190, 153, 153),
    "guard rail": (180, 165, 180),
    "bridge": (150, 100, 100),
    "tunnel": (150, 120, 90),
    "pole": (153, 153, 153),
    "polegroup": (153, 153, 153),
    "traffic light": (250, 170, 30),
    "traffic sign": (220, 220, 0),
    "vegetation": (107, 142, 35),
    "terrain": (152, 251, 152),
    "sky": (70, 130, 180),
    "person": (220, 20, 60),
    "rider": (255, 0, 0),
    "car": (0, 0, 142),
    "truck": (0, 0, 70),
    "bus": (0, 60, 100),
    "caravan": (0, 0, 90),
    "trailer": (0, 0, 110),
    "train": (0, 80, 100),
    "motorcycle": (0, 0, 230),
    "bicycle": (119, 11, 32),
}
LEGEND = Legend(tuple(_CLASSES), np.array(list(_CLASSES.values()), np.uint8))

# 255 is -1, licence plates. The ids that are not evaluated stay: which count is the protocol's affair.
IDS = MaskIds.of({VOID: VOID} | {label: label for label in range(len(_CLASSES))}, "labelIds, 0..33 or 255")

LENGTH, ANNOTATED = 30, 19
"""Frames of a snippet, and the place of the annotated one."""
_FRAME, _MASK = "_leftImg8bit", "_gtFine_labelIds"


class CityscapesOptions(RootOptions):
    """Options of Cityscapes; `root` holds `leftImg8bit_sequence` and `gtFine`."""

    split: Literal["train", "val"] = "val"
    frames: int = Field(default=LENGTH, ge=1, le=LENGTH)
    """Length of the clips. Up to 20 they end at the annotated frame; what is above comes after it."""


class Cityscapes(NamedClips):
    """Snippets at 17 frames a second, 2048 x 1024, each named by its annotated frame: `frankfurt_000000_000294`.

    They are found from the annotations: where snippets touch, as in frankfurt, nothing else tells them apart. Frames
    after the annotated one count as well: CBR follows cells into them, and video models see their batch as a whole.
    """

    name = "cityscapes"
    Options = CityscapesOptions
    protocol = "cityscapes-official"
    legend = LEGEND
    unique_frames = True

    def __init__(self, options: CityscapesOptions) -> None:
        get = (
            "get leftImg8bit_sequence_trainvaltest.zip and gtFine_trainvaltest.zip from "
            "https://www.cityscapes-dataset.com and unpack both into one folder"
        )
        root = find_root(options.root, self.name, get)
        self._sequences = root / "leftImg8bit_sequence" / options.split
        labels = root / "gtFine" / options.split
        for folder in (self._sequences, labels):
            if not folder.is_dir():
                raise InputError(f"data set 'cityscapes': there is no folder {folder}; {get}, {root_key(self.name)}")
        paths = sorted(labels.glob(f"*/*{_MASK}.png"))
        if not paths:
            raise InputError(f"data set 'cityscapes': {labels} holds no <city>/*{_MASK}.png; {get}")
        self._masks = {path.name.removesuffix(f"{_MASK}.png"): path for path in paths}
        self._length = options.frames
        super().__init__(self._masks, options)

    def _open(self, name: str) -> Clip:
        mask, where = self._masks[name], f"clip {name!r}"
        if (parts := re.fullmatch(r"(.+_[0-9]{6})_([0-9]{6})", name)) is None:
            raise InputError(f"{where}: {mask.name} is not named <city>_<6 digits>_<6 digits>{_MASK}.png")
        reference = min(self._length - 1, ANNOTATED)
        first = int(parts[2]) - reference
        numbers = range(first, first + self._length)
        folder = self._sequences / mask.parent.name
        frames = [folder / f"{parts[1]}_{number:06d}{_FRAME}.png" for number in numbers]
        missing = [path.name for path in frames if not path.is_file()]
        if missing:
            raise InputError(
                f"{where}: {len(missing)} of the {self._length} frames around the annotated one are missing in "
                f"{folder}, the first is {missing[0]}; fetch them, or set the data set's option `frames` lower"
            )
        return Snippet(name, frames, reference, mask)


class Snippet(FileClip):
    """The frames of a snippet. One is annotated: it names the clusters and is scored."""

    def __init__(self, name: str, frames: list[Path], reference: int, mask: Path) -> None:
        self.reference = reference
        super().__init__(name, frames, {reference: mask}, ids=IDS, sparse=True)

    def frame_name(self, index: int) -> str:
        """`<city>_<sequence>_<frame>`, as files of predictions begin."""
        return super().frame_name(index).removesuffix(_FRAME)
