"""Clips that are folders of frames, and everything that can be wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniatures import raw_png, write_frames, write_mask
from zeroshot_vss.datasets import VOID
from zeroshot_vss.datasets.folder import FolderClip, frame_files
from zeroshot_vss.datasets.masks import MaskIds
from zeroshot_vss.errors import InputError

IDS = MaskIds.of({0: VOID, 1: 0, 2: 1, 255: VOID}, "0..2 or 255")


def levels(clip: FolderClip) -> list[int]:
    return clip.frames(range(len(clip)))[:, 0, 0, 0].tolist()


def test_frames_are_ordered_by_number(tmp_path: Path) -> None:
    write_frames(tmp_path, "f1.png", "f2.png", "f10.png", "f0100.png")
    (tmp_path / "notes.txt").write_text("not a frame")
    (tmp_path / ".f3.png").write_bytes(b"what some systems leave beside files")
    clip = FolderClip("x", tmp_path)
    assert (clip.name, len(clip), clip.size) == ("x", 4, (6, 8))
    assert levels(clip) == [0, 1, 2, 3]
    assert [clip.frame_name(index) for index in range(4)] == ["f1", "f2", "f10", "f0100"]
    assert clip.frames([3, 0, 3])[:, 0, 0, 0].tolist() == [3, 0, 3]
    assert clip.frames([]).shape == (0, 6, 8, 3)
    assert clip.labels(0) is None
    clip.check()


def test_names_without_numbers_are_in_natural_order(tmp_path: Path) -> None:
    names = ["a.JPG", "b2x.bmp", "b10x.tif", "c.webp"]
    assert [path.name for path in frame_files(write_frames(tmp_path, *reversed(names)), "clip 'x'")] == names


@given(numbers=st.sets(st.integers(0, 10**9), min_size=1, max_size=12), width=st.integers(1, 8))
def test_order_is_that_of_the_numbers(
    tmp_path_factory: pytest.TempPathFactory, numbers: set[int], width: int
) -> None:
    folder = tmp_path_factory.mktemp("numbers")
    for number in numbers:
        (folder / f"img_{number:0{width}d}.png").touch()
    order = [int(path.stem[4:]) for path in frame_files(folder, "clip 'x'")]
    assert order == sorted(numbers)


def test_one_frame_is_a_clip(tmp_path: Path) -> None:
    clip = FolderClip("x", write_frames(tmp_path, "00000007.png"), consecutive=True)
    assert len(clip) == 1
    assert clip.frames([0]).shape == (1, 6, 8, 3)
    clip.check()


@pytest.mark.parametrize("index", [-1, 2])
def test_frames_outside_the_clip_are_refused(tmp_path: Path, index: int) -> None:
    clip = FolderClip("x", write_frames(tmp_path, "1.png", "2.png"))
    for read in (lambda: clip.frames([0, index]), lambda: clip.labels(index)):
        with pytest.raises(IndexError, match=f"frame {index} of 2"):
            read()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"clip 'x': there is no folder .*nowhere"):
        FolderClip("x", tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"clip 'x': there is no folder .*masks"):
        FolderClip("x", write_frames(tmp_path, "1.png"), masks=tmp_path / "masks")


def test_empty_clip(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match=r"clip 'x': folder .* holds no frames \(jpg, jpeg, png, "):
        FolderClip("x", tmp_path)


def test_frame_names_that_skip(tmp_path: Path) -> None:
    write_frames(tmp_path, "00000009.png", "00000010.png", "00000013.png")
    assert levels(FolderClip("x", tmp_path)) == [0, 1, 2]
    message = r"clip 'x': frame 00000011\.png is missing between 00000010\.png and 00000013\.png"
    with pytest.raises(InputError, match=message):
        FolderClip("x", tmp_path, consecutive=True)


def test_frame_names_that_are_not_numbers(tmp_path: Path) -> None:
    write_frames(tmp_path, "00000009.png", "b10.png")
    with pytest.raises(InputError, match=r"clip 'x': the name of frame b10\.png is not a number"):
        FolderClip("x", tmp_path, consecutive=True)


def test_frames_that_exist_twice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"1\.jpg and 1\.png are both frame '1'; keep one"):
        FolderClip("x", write_frames(tmp_path / "a", "1.png", "1.jpg"))
    with pytest.raises(InputError, match=r"01\.png and 1\.png have the same number"):
        FolderClip("x", write_frames(tmp_path / "b", "01.png", "1.png"), consecutive=True)


def test_frames_of_different_sizes(tmp_path: Path) -> None:
    write_frames(write_frames(tmp_path, "1.png"), "2.png", size=(6, 9))
    clip = FolderClip("x", tmp_path)
    with pytest.raises(InputError, match=r"clip 'x': frame 2\.png is 9 x 6 pixels, but the first, 1\.png, is 8 x 6"):
        clip.check()


@pytest.mark.parametrize(
    ("data", "message"),
    [(b"", "is empty"), (raw_png(8, 6, 8, 2, bytes(150))[:45], "is damaged or cut")],
    ids=["zero bytes", "truncated"],
)
def test_frames_that_cannot_be_read(tmp_path: Path, data: bytes, message: str) -> None:
    clip = FolderClip("x", write_frames(tmp_path, "1.png", "2.png"))
    (tmp_path / "2.png").write_bytes(data)
    assert clip.frames([0]).shape == (1, 6, 8, 3)
    with pytest.raises(InputError, match=rf"clip 'x': frame 2\.png {message}"):
        clip.frames([0, 1])


# Masks


def labelled(tmp_path: Path, values: object) -> FolderClip:
    masks = write_mask(tmp_path / "masks", "2.png", values)
    return FolderClip("x", write_frames(tmp_path / "frames", "1.jpg", "2.jpg"), masks=masks, ids=IDS)


def test_masks_are_mapped_and_may_be_missing(tmp_path: Path) -> None:
    values = np.tile([0, 1, 2, 255], (6, 2))
    clip = labelled(tmp_path, values)
    labels = clip.labels(1)
    assert labels is not None
    assert labels.dtype == np.uint8
    assert labels.tolist() == np.tile([255, 0, 1, 255], (6, 2)).tolist()
    assert clip.labels(0) is None
    clip.check()
    unmapped = FolderClip("x", tmp_path / "frames", masks=tmp_path / "masks").labels(1)
    assert unmapped is not None
    assert unmapped.tolist() == values.tolist()


def test_sparse_clips_want_maps_of_annotated_frames(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", "1.jpg", "2.jpg", "3.jpg")
    masks = write_mask(write_mask(tmp_path / "masks", "3.png", np.zeros((6, 8))), "1.png", np.zeros((6, 8)))
    assert list(FolderClip("x", tmp_path / "frames", masks=masks).mapped()) == [0, 1, 2]
    assert list(FolderClip("x", tmp_path / "frames", masks=masks, sparse=True).mapped()) == [0, 2]
    with pytest.raises(InputError, match=r"clip 'x': frame 2\.jpg has no mask 2\.png in .*masks"):
        FolderClip("x", tmp_path / "frames", masks=masks, complete=True)


def test_mask_ids_out_of_range(tmp_path: Path) -> None:
    values = np.zeros((6, 8))
    values[2, 3], values[4, 4] = 253, 252
    with pytest.raises(InputError) as caught:
        labelled(tmp_path, values).check()
    assert str(caught.value) == "clip 'x': mask 2.png holds id 252; expected 0..2 or 255"


def test_colour_masks(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"clip 'x': mask 2\.png is a colour image \(mode RGB\); expected one channel"
    ):
        labelled(tmp_path, np.zeros((6, 8, 3))).check()


def test_mask_of_another_size(tmp_path: Path) -> None:
    clip = labelled(tmp_path, np.zeros((8, 6)))
    with pytest.raises(InputError, match=r"clip 'x': mask 2\.png is 6 x 8 pixels, but its frame 2\.jpg is 8 x 6"):
        clip.check()


def test_masks_of_other_frames(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames", "1.jpg")
    masks = write_mask(tmp_path / "masks", "1_labels.png", np.zeros((6, 8)))
    with pytest.raises(InputError, match=r"clip 'x': .*masks holds no mask of any frame, such as 1\.png"):
        FolderClip("x", tmp_path / "frames", masks=masks)
