"""Every reader of data against every kind of bad input: an error that names the clip or the file.

A row of the matrix is a layout, a column a test (with its faults); what a layout cannot have is skipped. Further
faults of single layouts are with the tests of their readers.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from miniatures import (
    write_camvid,
    write_camvid32,
    write_cityscapes,
    write_clvos,
    write_davis,
    write_frames,
    write_vspw,
)
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.datasets.annotation import annotation
from zeroshot_vss.errors import InputError

RNG = np.random.default_rng(0)
SNIPPET = "frankfurt_000000_000019"


@dataclass(frozen=True)
class Layout:
    """A data set of one clip, small, and where the files of a clip are."""

    kind: str
    write: Callable[[Path], object]
    clip: str
    frame: str
    """A frame after the first, below the root."""
    mask: str | None
    """A mask after the first; None where there is no other, or none at all."""
    reference: str | None
    """The mask that names the clusters."""
    names: str | None = None
    """The list of clips."""
    entry: Callable[[str], str] = lambda name: name
    """The line of the list that names a clip."""
    bad_id: int | None = None
    options: dict[str, Any] = field(default_factory=dict)

    def open(self, root: Path, **more: Any) -> Any:
        """The data set below a root."""
        place = {"clips": {self.clip: root / self.clip}} if self.kind == "user" else {"root": root}
        return open_dataset(self.kind, {**self.options, **place, **more})


def _ids(root: Path) -> None:
    write_camvid32(root, ["0016E5_07959", "0016E5_07961"], rng=RNG, ids=True)


LAYOUTS = {
    "vspw": Layout(
        "vspw", lambda root: write_vspw(root, 1, 3, rng=RNG), "3_miniature",
        "VSPW_480p/data/3_miniature/origin/00000005.jpg", "VSPW_480p/data/3_miniature/mask/00000005.png",
        "VSPW_480p/data/3_miniature/mask/00000004.png", "VSPW_480p/val.txt", bad_id=200,
    ),
    "camvid": Layout(
        "camvid", lambda root: write_camvid(root, 3, rng=RNG), "0016E5", "CamVid/val/0016E5_09999.png",
        "CamVid/valannot/0016E5_09999.png", "CamVid/valannot/0016E5_09997.png", "CamVid/val.txt",
        lambda name: f"CamVid/val/{name}_00001.png", bad_id=12,
    ),
    "camvid-32": Layout(
        "camvid-32", _ids, "0016E5", "val/0016E5_07961.png", "valannotnew/0016E5_07961.png",
        "valannotnew/0016E5_07959.png", bad_id=32,
    ),
    "cityscapes": Layout(
        "cityscapes", lambda root: write_cityscapes(root, [SNIPPET], rng=RNG), SNIPPET,
        "leftImg8bit_sequence/val/frankfurt/frankfurt_000000_000018_leftImg8bit.png",
        f"gtFine/val/frankfurt/{SNIPPET}_gtFine_labelIds.png", f"gtFine/val/frankfurt/{SNIPPET}_gtFine_labelIds.png",
        bad_id=34,
    ),
    "davis": Layout(
        "davis", lambda root: write_davis(root, ["bear"], 3, rng=RNG), "bear", "DAVIS/JPEGImages/480p/bear/00001.jpg",
        "DAVIS/Annotations/480p/bear/00001.png", "DAVIS/Annotations/480p/bear/00000.png",
        "DAVIS/ImageSets/2017/val.txt", bad_id=21,
    ),
    "clvos": Layout(
        "clvos", lambda root: write_clvos(root, ["car"], 4, rng=RNG), "car", "JPEGImages/car/00001.jpg",
        "Annotations/car/00003.png", "Annotations/car/00000.png", bad_id=21,
    ),
    "user": Layout(
        "user", lambda root: write_frames(root / "walk", "1.png", "2.png"), "walk", "walk/2.png", None, None,
    ),
}  # fmt: skip


def write(path: Path, values: Any) -> None:
    """An image of the format that the name says."""
    Image.fromarray(np.asarray(values, np.uint8)).save(path)


def other_size(path: Path, grey: bool) -> None:
    """Exchange an image for one of another size."""
    write(path, np.zeros((20, 20) if grey else (20, 20, 3)))


def leave(path: Path, root: Path) -> None:
    """Move a file out of the data set and put a link in its place."""
    outside = root.parent / "outside"
    outside.mkdir(exist_ok=True)
    target = outside / path.name
    shutil.move(path, target)
    path.symlink_to(target)


def everything(layout: Layout, root: Path) -> None:
    """What the check stage and the stages that name clusters read."""
    dataset = layout.open(root)
    for name in dataset.clips():
        clip = dataset.clip(name)
        clip.check()
        annotation(dataset, clip)


def refused(layout: Layout, root: Path) -> str:
    """The error of a reader."""
    with pytest.raises(InputError) as caught:
        everything(layout, root)
    return str(caught.value)


@pytest.fixture(params=list(LAYOUTS))
def layout(request: pytest.FixtureRequest) -> Layout:
    return LAYOUTS[request.param]


@pytest.fixture
def root(layout: Layout, tmp_path: Path) -> Path:
    """A sound data set."""
    folder = tmp_path / "data"
    folder.mkdir()
    layout.write(folder)
    everything(layout, folder)
    return folder


# Where a data set should be


def test_missing_root(layout: Layout, tmp_path: Path) -> None:
    message = refused(layout, tmp_path / "nowhere")
    assert "nowhere" in message and ("there is no folder" in message or "there is no file or folder" in message)


def test_empty_root(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / layout.clip).mkdir()
    empty = tmp_path if layout.kind == "user" else tmp_path / layout.clip
    assert str(empty) in refused(layout, empty)


# Files of a clip


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_bytes(b"<html>404 Not Found</html>")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


FRAMES: dict[str, tuple[Callable[[Path], object], str]] = {
    "zero bytes": (empty, "is empty (0 bytes)"),
    "no image": (text, "is not an image that can be read"),
    "cut short": (cut, "is damaged or cut short"),
    "another size": (lambda path: other_size(path, grey=False), "is 20 x 20 pixels, but"),
}


@pytest.mark.parametrize("fault", FRAMES)
def test_a_bad_frame(layout: Layout, root: Path, fault: str) -> None:
    damage, reason = FRAMES[fault]
    damage(root / layout.frame)
    message = refused(layout, root)
    assert message.startswith(f"clip '{layout.clip}': frame {Path(layout.frame).name} ") and reason in message


MASKS = {
    **{fault: FRAMES[fault] for fault in ("zero bytes", "no image", "cut short")},
    "another size": (lambda path: other_size(path, grey=True), "is 20 x 20 pixels, but"),
}


@pytest.mark.parametrize("fault", MASKS)
def test_a_bad_mask(layout: Layout, root: Path, fault: str) -> None:
    if layout.mask is None:
        pytest.skip("has no masks")
    damage, reason = MASKS[fault]
    damage(root / layout.mask)
    message = refused(layout, root)
    assert message.startswith(f"clip '{layout.clip}': mask {Path(layout.mask).name} ") and reason in message


def test_an_id_out_of_range(layout: Layout, root: Path) -> None:
    if layout.mask is None or layout.bad_id is None:
        pytest.skip("has no masks")
    with Image.open(root / layout.mask) as mask:
        values = np.array(mask)
    values[0, 0] = layout.bad_id
    write(root / layout.mask, values)
    message = refused(layout, root)
    expected = f"clip '{layout.clip}': mask {Path(layout.mask).name} holds id {layout.bad_id}; expected "
    assert message.startswith(expected)


def test_the_mask_that_names_the_clusters_is_missing(layout: Layout, root: Path) -> None:
    if layout.reference is None:
        pytest.skip("has no masks")
    (root / layout.reference).unlink()
    message = refused(layout, root)
    # Cityscapes finds its clips by their masks: without any it has none.
    where = str(root / "gtFine") if layout.kind == "cityscapes" else f"clip '{layout.clip}': "
    assert where in message and ("missing" in message or "has no mask" in message or "holds no" in message)


# Names


def test_a_list_that_names_a_clip_that_is_not_there(layout: Layout, root: Path) -> None:
    if layout.names is None:
        with pytest.raises(InputError, match=f"there is no clip 'elsewhere' among 1 \\({layout.clip}\\)"):
            layout.open(root).clip("elsewhere")
        return
    path = root / layout.names
    path.write_text(f"{path.read_text().strip()}\n{layout.entry('elsewhere')}\n")
    assert refused(layout, root).startswith("clip 'elsewhere': ")


@pytest.mark.parametrize("name", ["../data", "..", "/etc/passwd", "a\\..\\b", "a\0b"])
def test_names_stay_inside_the_root(layout: Layout, root: Path, name: str) -> None:
    """Of lists, and of clips in the options."""
    with pytest.raises(InputError) as caught:
        layout.open(root, clips={name: root} if layout.kind == "user" else [name])
    assert repr(name) in str(caught.value)
    if layout.names is not None:
        for entry in (name, layout.entry(name)):
            (root / layout.names).write_text(f"{entry}\n")
            assert "data set " in refused(layout, root)


def test_links_that_leave_the_root(layout: Layout, root: Path) -> None:
    """Users link frames on purpose; what is read through a link must be an image as any other."""
    for path in filter(None, (layout.frame, layout.mask)):
        leave(root / path, root)
    everything(layout, root)
    secret = root.parent / "outside" / "secret"
    secret.write_text("root:x:0:0")
    (root / layout.frame).unlink()
    (root / layout.frame).symlink_to(secret)
    message = refused(layout, root)
    assert message.startswith(f"clip '{layout.clip}': frame {Path(layout.frame).name} is not an image")
    assert "root:x" not in message
    (root / layout.frame).unlink()
    (root / layout.frame).symlink_to(root / layout.frame)
    assert f"clip '{layout.clip}': " in refused(layout, root)
