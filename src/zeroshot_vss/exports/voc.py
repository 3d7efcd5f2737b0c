"""Pascal VOC's layout of segmentations: palette PNGs, a list of frames, and the classes' names (Everingham, 2010)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.datasets.base import VOID
from zeroshot_vss.io.images import write_mask_png
from zeroshot_vss.io.palette import voc_colours

BACKGROUND = "background"


def write_voc(result: ClipResult, folder: Path) -> None:
    """Write `SegmentationClass/<frame>.png`, `ImageSets/Segmentation/default.txt` and `labelmap.txt`.

    Classes are numbered from 1 in the order of the labels in use; 0 is the label called `background`, if any, and 255
    is void, as there. `labelmap.txt` has `name:red,green,blue::` for each, as CVAT and Datumaro read it.
    """
    names, colours = result.legend.names, voc_colours(256)
    classes = [label for label in result.shown if names[label] != BACKGROUND]
    stored = np.full(256, VOID, np.uint8)
    stored[[label for label in result.shown if names[label] == BACKGROUND]] = 0
    stored[classes] = np.arange(1, len(classes) + 1)
    masks, lists = folder / "SegmentationClass", folder / "ImageSets" / "Segmentation"
    for made in (masks, lists):
        made.mkdir(parents=True)
    for frames, maps in result.parts():
        for frame, labels in zip(frames, maps, strict=True):
            name = Path(result.clip.file_name(frame)).stem
            write_mask_png(masks / f"{name}.png", stored[labels], colours)
    stems = [Path(result.clip.file_name(frame)).stem for frame in range(len(result.clip))]
    (lists / "default.txt").write_text("".join(f"{stem}\n" for stem in stems))
    entries = [BACKGROUND, *(names[label].replace(":", " ") for label in classes)]
    lines = ["{}:{},{},{}::".format(name, *colours[number].tolist()) for number, name in enumerate(entries)]
    (folder / "labelmap.txt").write_text("# label:color_rgb:parts:actions\n" + "\n".join(lines) + "\n", "utf-8")
