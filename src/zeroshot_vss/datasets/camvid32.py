"""CamVid, 32 classes, as its makers publish it or with ids in place of colours (Brostow et al., 2009)."""

from __future__ import annotations

from typing import Literal

import numpy as np

from zeroshot_vss.datasets.base import VOID, Clip, Legend
from zeroshot_vss.datasets.camvid import by_sequence
from zeroshot_vss.datasets.file_clip import FileClip
from zeroshot_vss.datasets.folder import FolderClip, frame_files
from zeroshot_vss.datasets.masks import MaskColours, MaskIds
from zeroshot_vss.datasets.options import NamedClips, RootOptions, find_root, root_key
from zeroshot_vss.errors import InputError

_CLASSES = {
    "Animal": (64, 128, 64),
    "Archway": (192, 0, 128),
    "Bicyclist": (0, 128, 192),
    "Bridge": (0, 128, 64),
    "Building": (128, 0, 0),
    "Car": (64, 0, 128),
    "CartLuggagePram": (64, 0, 192),
    "Child": (192, 128, 64),
    "Column_Pole": (192, 192, 128),
    "Fence": (64, 64, 128),
    "LaneMkgsDriv": (128, 0, 192),
    "LaneMkgsNonDriv": (192, 0, 64),
    "Misc_Text": (128, 128, 64),
    "MotorcycleScooter": (192, 0, 192),
    "OtherMoving": (128, 64, 64),
    "ParkingBlock": (64, 192, 128),
    "Pedestrian": (64, 64, 0),
    "Road": (128, 64, 128),
    "RoadShoulder": (128, 128, 192),
    "Sidewalk": (0, 0, 192),
    "SignSymbol": (192, 128, 128),
    "Sky": (128, 128, 128),
    "SUVPickupTruck": (64, 128, 192),
    "TrafficCone": (0, 0, 64),
    "TrafficLight": (0, 64, 64),
    "Train": (192, 64, 128),
    "Tree": (128, 128, 0),
    "Truck_Bus": (192, 128, 192),
    "Tunnel": (64, 0, 64),
    "VegetationMisc": (192, 192, 0),
    "Void": (0, 0, 0),
    "Wall": (64, 192, 0),
}
LEGEND = Legend(tuple(_CLASSES), np.array(list(_CLASSES.values()), np.uint8))

_MEANING = [VOID if name == "Void" else label for label, name in enumerate(_CLASSES)]
IDS = MaskIds.of(dict(enumerate(_MEANING)), "0..31 (30 is void)")
COLOURS = MaskColours.of(dict(zip(_CLASSES.values(), _MEANING, strict=True)))

VAL = tuple(f"0016E5_{number:05d}.png" for number in range(7959, 8160, 2))
"""The validation clip: 101 frames at 15 Hz. The other frames of its sequence are stills at 1 Hz."""


class CamVid32Options(RootOptions):
    """Options of CamVid with 32 classes.

    `root` holds `701_StillsRaw_full` and `LabeledApproved_full`, or `val` and `valannotnew`.
    """

    split: Literal["val", "all"] = "val"
    """`val` is the clip 0016E5; `all` are all stills of `701_StillsRaw_full`, by sequence."""


class CamVid32(NamedClips):
    """The sequences, told apart by the start of their frames' names, in one of two layouts.

    That of the makers has masks `<frame>_L.png` in colours. The other, which the authors of the method made, has
    masks `<frame>.png` of ids in alphabetical order, for the validation clip alone.
    """

    name = "camvid-32"
    Options = CamVid32Options
    protocol = "camvid-32"
    legend = LEGEND

    def __init__(self, options: CamVid32Options) -> None:
        get = (
            "get 701_StillsRaw_full.zip and LabeledApproved_full.zip from "
            "http://mi.eng.cam.ac.uk/research/projects/VideoRec/CamVid and unpack both into one folder"
        )
        root = find_root(options.root, self.name, get)
        self._original = (root / "701_StillsRaw_full").is_dir()
        kinds = ("701_StillsRaw_full", "LabeledApproved_full") if self._original else ("val", "valannotnew")
        self._folder, self._masks = (root / kind for kind in kinds)
        where = "data set 'camvid-32'"
        for folder in (self._folder, self._masks):
            if not folder.is_dir():
                raise InputError(f"{where}: there is no folder {folder}; {get}, {root_key(self.name)}")
        if not self._original and options.split == "all":
            raise InputError(f"{where}: {self._folder} holds the split 'val' alone; for 'all' {get}")
        cut_out = self._original and options.split == "val"
        names = VAL if cut_out else [path.name for path in frame_files(self._folder, where)]
        self._files = by_sequence(names, where)
        super().__init__(self._files, options)

    def _open(self, name: str) -> Clip:
        files = self._files[name]
        if not self._original:
            return FolderClip(name, self._folder, masks=self._masks, ids=IDS, only=files, complete=True)
        frames = [self._folder / file for file in files]
        masks = [self._masks / f"{frame.stem}_L.png" for frame in frames]
        for path in (*frames, *masks):
            if not path.is_file():
                raise InputError(f"clip {name!r}: {path.name} is missing in {path.parent}; fetch it again")
        return FileClip(name, frames, dict(enumerate(masks)), ids=COLOURS)
