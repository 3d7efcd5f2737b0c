"""Label maps in the formats that other tools read. A new one is a file with a function, and a line in EXPORTS."""

from __future__ import annotations

import shutil
from pathlib import Path

from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.registry import Registry

EXPORTS = Registry(
    "export",
    {
        "coco.json": "zeroshot_vss.exports.coco:write_coco",
        "youtube-vis.json": "zeroshot_vss.exports.youtube_vis:write_youtube_vis",
        "cvat.xml": "zeroshot_vss.exports.cvat:write_cvat",
        "voc": "zeroshot_vss.exports.voc:write_voc",
    },
)
"""What a file or folder is called, and the function (result, path) that writes it."""


def write_exports(result: ClipResult, folder: Path) -> None:
    """Write a clip's label maps in all formats; the folder appears whole or not at all."""
    partial = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name in EXPORTS:
        EXPORTS.load(name)(result, partial / name)
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
