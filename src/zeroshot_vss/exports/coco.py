"""COCO's format of object detection: one annotation for each label in each frame (cocodataset.org, "Data format")."""

from __future__ import annotations

import json
from pathlib import Path

from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.exports.rle import box_of, coco_rle
from zeroshot_vss.io.files import replacing

FIRST = 1
"""Id of the first category, image and annotation: 0 means nothing in this format."""


def categories(result: ClipResult) -> list[dict[str, object]]:
    """The labels in use; a category's id is its label and one."""
    return [
        {"id": label + FIRST, "name": result.legend.names[label], "supercategory": "label"} for label in result.shown
    ]


def write_coco(result: ClipResult, path: Path) -> None:
    """Write the label maps of all frames; masks as uncompressed run lengths, which every reader takes."""
    clip = result.clip
    height, width = clip.size
    images, annotations = [], []
    for frames, maps in result.parts():
        for frame, labels in zip(frames, maps, strict=True):
            images.append({"id": frame + FIRST, "file_name": clip.file_name(frame), "width": width, "height": height})
            for label in result.shown:
                mask = labels == label
                if mask.any():
                    annotations.append(
                        {
                            "id": len(annotations) + FIRST,
                            "image_id": frame + FIRST,
                            "category_id": label + FIRST,
                            "segmentation": coco_rle(mask),
                            "area": int(mask.sum()),
                            "bbox": list(box_of(mask)),
                            "iscrowd": 0,
                        }
                    )
    content = {
        "info": {"description": clip.name},
        "images": images,
        "annotations": annotations,
        "categories": categories(result),
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, separators=(",", ":")))
