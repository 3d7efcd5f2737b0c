"""The format of YouTube-VIS: one annotation for each label, with its masks in all frames (Yang et al., ICCV 2019)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.exports.coco import FIRST, categories
from zeroshot_vss.exports.rle import box_of, coco_rle
from zeroshot_vss.io.files import replacing


def write_youtube_vis(result: ClipResult, path: Path) -> None:
    """Write the clip as one video; frames in which a label does not occur have null in place of its mask."""
    clip = result.clip
    height, width = clip.size
    kinds = ("segmentations", "bboxes", "areas")
    tracks: dict[int, dict[str, list[Any]]] = {label: {kind: [] for kind in kinds} for label in result.shown}
    for _, maps in result.parts():
        for labels in maps:
            for label, kept in tracks.items():
                mask = labels == label
                seen = bool(mask.any())
                kept["segmentations"].append(coco_rle(mask) if seen else None)
                kept["bboxes"].append(list(box_of(mask)) if seen else None)
                kept["areas"].append(int(mask.sum()) if seen else None)
    names = [f"{clip.name}/{clip.file_name(frame)}" for frame in range(len(clip))]
    video = {"id": FIRST, "file_names": names, "width": width, "height": height, "length": len(clip)}
    annotations = [
        {"id": number, "video_id": FIRST, "category_id": label + FIRST, "iscrowd": 0, "width": width,
         "height": height, "length": len(clip), **kept}
        for number, (label, kept) in enumerate(tracks.items(), FIRST)
    ]  # fmt: skip
    content = {
        "info": {"description": clip.name},
        "videos": [video],
        "annotations": annotations,
        "categories": categories(result),
    }
    with replacing(path) as partial:
        partial.write_text(json.dumps(content, separators=(",", ":")))
