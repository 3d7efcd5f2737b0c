"""Exports, read back by pycocotools, Pillow, and by CVAT's documented XML."""

from __future__ import annotations

import contextlib
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO

from array_clip import ArrayClip
from zeroshot_vss.clips.naming import Naming
from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.datasets import VOID
from zeroshot_vss.exports import EXPORTS, write_exports
from zeroshot_vss.exports.rle import box_of, coco_rle, run_lengths

NAMES = {0: "background", 2: 'swan & "reed" <1>', 7: "water", 9: "water"}


@pytest.fixture
def result() -> ClipResult:
    """Five frames: label 2 is missing in the third, 7 and 9 are one, some pixels are void."""
    maps = np.random.default_rng(3).choice(np.array([0, 2, 7, 9, VOID], np.uint8), (5, 6, 8))
    maps[2][maps[2] == 2] = 0
    return ClipResult(ArrayClip("swan", list(maps)), maps, Naming.of(NAMES), at_once=2)


@pytest.fixture
def folder(result: ClipResult, tmp_path: Path) -> Path:
    write_exports(result, tmp_path / "exports")
    return tmp_path / "exports"


def merged(result: ClipResult) -> np.ndarray:
    return np.concatenate([maps for _, maps in result.parts()])


def test_all_formats_are_written(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(EXPORTS)


def test_coco_by_pycocotools(result: ClipResult, folder: Path) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        data = COCO(str(folder / "coco.json"))
    names = {kind["id"]: kind["name"] for kind in data.loadCats(data.getCatIds())}
    assert sorted(names.values()) == sorted({"background", 'swan & "reed" <1>', "water"})
    for frame, truth in enumerate(merged(result)):
        (image,) = data.loadImgs([frame + 1])
        assert (image["file_name"], image["height"], image["width"]) == (f"frame_{frame:06d}.png", 6, 8)
        seen = np.full(truth.shape, "void", object)
        for entry in data.loadAnns(data.getAnnIds(imgIds=[frame + 1])):
            mask = data.annToMask(entry).astype(bool)
            assert (seen[mask] == "void").all()
            seen[mask] = names[entry["category_id"]]
            encoded = coco_masks.encode(np.asfortranarray(mask.astype(np.uint8)))
            assert entry["area"] == coco_masks.area(encoded)
            assert entry["bbox"] == coco_masks.toBbox(encoded).tolist()
        label_names = {0: "background", 2: 'swan & "reed" <1>', 7: "water", VOID: "void"}
        assert (seen == np.vectorize(label_names.get, otypes=[object])(truth)).all()


def test_youtube_vis_by_pycocotools(result: ClipResult, folder: Path) -> None:
    """Its own API reads each frame of an annotation as COCO's does."""
    content = json.loads((folder / "youtube-vis.json").read_text())
    (video,) = content["videos"]
    assert (video["length"], video["height"], video["width"], len(video["file_names"])) == (5, 6, 8, 5)
    assert [entry["category_id"] for entry in content["annotations"]] == [1, 3, 8]
    truth = merged(result)
    for entry in content["annotations"]:
        assert entry["video_id"] == video["id"]
        for frame, stored in enumerate(entry["segmentations"]):
            expected = truth[frame] == entry["category_id"] - 1
            if stored is None:
                assert not expected.any() and entry["areas"][frame] is None and entry["bboxes"][frame] is None
                continue
            encoded: Any = coco_masks.frPyObjects(stored, video["height"], video["width"])
            assert (coco_masks.decode(encoded).astype(bool) == expected).all()
            assert entry["areas"][frame] == expected.sum()
            assert entry["bboxes"][frame] == coco_masks.toBbox(encoded).tolist()
    swan = next(entry for entry in content["annotations"] if entry["category_id"] == 3)
    assert swan["segmentations"][2] is None


def test_pascal_voc_by_pillow(result: ClipResult, folder: Path) -> None:
    stems = (folder / "voc/ImageSets/Segmentation/default.txt").read_text().split()
    assert stems == [f"frame_{frame:06d}" for frame in range(5)]
    for stem, truth in zip(stems, merged(result), strict=True):
        image = Image.open(folder / "voc/SegmentationClass" / f"{stem}.png")
        assert image.mode == "P"
        palette = np.array(image.getpalette()).reshape(-1, 3)
        assert palette[[0, 1, 2, 255]].tolist() == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [224, 224, 192]]
        stored = np.asarray(image)
        for label, value in ((0, 0), (2, 1), (7, 2), (VOID, 255)):
            assert ((truth == label) == (stored == value)).all()
    lines = (folder / "voc/labelmap.txt").read_text().splitlines()[1:]
    assert lines == ["background:0,0,0::", 'swan & "reed" <1>:128,0,0::', "water:0,128,0::"]


def test_cvat_by_its_documented_layout(result: ClipResult, folder: Path) -> None:
    root = ElementTree.parse(folder / "cvat.xml").getroot()
    assert (root.tag, root.findtext("version")) == ("annotations", "1.1")
    labels = [entry.findtext("name") for entry in root.findall("meta/task/labels/label")]
    assert labels == ["background", 'swan & "reed" <1>', "water"]
    assert all(len(entry.findtext("color") or "") == 7 for entry in root.findall("meta/task/labels/label"))
    images = root.findall("image")
    assert [image.get("id") for image in images] == list("01234")
    numbers = dict(zip(labels, (0, 2, 7), strict=True))
    for image, truth in zip(images, merged(result), strict=True):
        assert (image.get("width"), image.get("height")) == ("8", "6")
        seen = np.full(truth.shape, VOID)
        for shape in image.findall("mask"):
            left, top, width, height = (int(shape.attrib[side]) for side in ("left", "top", "width", "height"))
            # Runs inside the box, row by row, the first of them outside of the mask.
            values = [
                place % 2 == 1 for place, run in enumerate(shape.attrib["rle"].split(", ")) for _ in range(int(run))
            ]
            inside: Any = np.array(values).reshape(height, width)
            assert inside.any(0)[[0, -1]].all() and inside.any(1)[[0, -1]].all()
            seen[top : top + height, left : left + width][inside] = numbers[shape.attrib["label"]]
        assert (seen == truth).all()


@given(st.lists(st.booleans(), min_size=1, max_size=60))
def test_run_lengths_spell_the_mask(bits: list[bool]) -> None:
    runs = run_lengths(np.array(bits))
    assert [place % 2 == 1 for place, run in enumerate(runs) for _ in range(run)] == bits
    assert all(run > 0 for run in runs[1:])


def test_a_mask_of_one_pixel() -> None:
    mask = np.zeros((3, 4), bool)
    mask[2, 1] = True
    assert box_of(mask) == (1, 2, 1, 1)
    assert coco_rle(mask) == {"size": [3, 4], "counts": [5, 1, 6]}
