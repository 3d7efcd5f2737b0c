"""CVAT's XML 1.1 for images: masks as run lengths inside their box (docs.cvat.ai, "XML annotation format")."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.exports.rle import box_of, run_lengths
from zeroshot_vss.io.files import replacing


def write_cvat(result: ClipResult, path: Path) -> None:
    """Write the label maps of all frames. CVAT takes them for a task of the frames, or of the video."""
    clip = result.clip
    height, width = clip.size
    root = ElementTree.Element("annotations")
    _text(root, "version", "1.1")
    task = ElementTree.SubElement(ElementTree.SubElement(root, "meta"), "task")
    _text(task, "name", clip.name)
    _text(task, "size", str(len(clip)))
    labels = ElementTree.SubElement(task, "labels")
    for label in result.shown:
        entry = ElementTree.SubElement(labels, "label")
        _text(entry, "name", result.legend.names[label])
        _text(entry, "color", "#{:02x}{:02x}{:02x}".format(*result.legend.colours[label].tolist()))
        _text(entry, "type", "mask")
        ElementTree.SubElement(entry, "attributes")
    for frames, maps in result.parts():
        for frame, label_map in zip(frames, maps, strict=True):
            attributes = {"id": frame, "name": clip.file_name(frame), "width": width, "height": height}
            image = ElementTree.SubElement(root, "image", _as_text(attributes))
            for label in result.shown:
                mask = label_map == label
                if mask.any():
                    box = box_of(mask)
                    inside = mask[box.top : box.top + box.height, box.left : box.left + box.width]
                    runs = ", ".join(map(str, run_lengths(inside.reshape(-1))))
                    shape = {"label": result.legend.names[label], "source": "auto", "occluded": 0, "rle": runs,
                             **box._asdict(), "z_order": 0}  # fmt: skip
                    ElementTree.SubElement(image, "mask", _as_text(shape))
    ElementTree.indent(root)
    with replacing(path) as partial:
        ElementTree.ElementTree(root).write(partial, encoding="utf-8", xml_declaration=True)


def _text(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def _as_text(values: dict[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in values.items()}
