"""Data sets by name, their layouts, options and faults."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from miniatures import write_camvid, write_frames, write_mask, write_vspw
from zeroshot_vss.datasets import DATASETS, VOID, open_dataset
from zeroshot_vss.datasets.scenes import SceneClip
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.scenes import render_clip

CAMVID = Path(__file__).parents[2] / "shared" / "data" / "camvid-val"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


# The registry


def test_unknown_data_set() -> None:
    with pytest.raises(InputError, match="there is no data set 'kitti'; known: scenes, vspw, cityscapes, "):
        open_dataset("kitti", {})


@pytest.mark.parametrize("name", DATASETS)
def test_unknown_option(name: str) -> None:
    hint = r"; did you mean 'root'\?" if "root" in DATASETS.load(name).Options.model_fields else ""
    with pytest.raises(
        InputError, match=rf"data set '{name}': .*option 'rooot' is not known{hint}; known are limit, "
    ):
        open_dataset(name, {"rooot": "/data"})


def test_wrong_options() -> None:
    with pytest.raises(
        InputError, match=r"data set 'vspw': option 'split' is 'validation': .*'train', 'val' or 'test'"
    ):
        open_dataset("vspw", {"split": "validation"})
    with pytest.raises(InputError, match=r"data set 'scenes': option 'limit' is 0: .*greater than 0"):
        open_dataset("scenes", {"limit": 0})
    with pytest.raises(InputError, match=r"data set 'scenes': option 'clips' is \[\]: .*at least 1 item"):
        open_dataset("scenes", {"clips": []})
    with pytest.raises(InputError, match="data set 'user': option 'clips' is missing"):
        open_dataset("user", {})


def test_modules_can_be_imported_in_any_order() -> None:
    names = ("io.video", "io.palette", "datasets.folder")
    runs = [subprocess.Popen([sys.executable, "-c", f"import zeroshot_vss.{name}"]) for name in names]
    assert [run.wait() for run in runs] == [0] * len(names)


# VSPW


@pytest.fixture
def vspw(tmp_path: Path, rng: np.random.Generator) -> Path:
    write_vspw(tmp_path, clips=3, frames=4, rng=rng)
    return tmp_path


def test_vspw_clips_and_labels(vspw: Path) -> None:
    for root in (vspw, vspw / "VSPW_480p"):
        data = open_dataset("vspw", {"root": str(root)})
        assert data.clips() == ["3_miniature", "4_miniature", "5_miniature"]
    clip = data.clip("4_miniature")
    assert (clip.name, len(clip), clip.size) == ("4_miniature", 4, (48, 64))
    labels = clip.labels(0)
    assert labels is not None
    assert set(np.unique(labels)) == {28, 18, 76, 60, 255}  # stored ids less one
    assert (labels[:2] == 255).all()  # void and others
    clip.check()
    assert data.legend is not None
    assert len(data.legend.names) == len(data.legend.colours) == 124
    assert [data.legend.names[i] for i in (18, 28, 60, 76, 0)] == ["road", "sky", "person", "car", "class 0"]


def test_vspw_choice_of_clips(vspw: Path) -> None:
    def names(**options: object) -> list[str]:
        return open_dataset("vspw", {"root": vspw, **options}).clips()

    assert names(limit=2) == ["3_miniature", "4_miniature"]
    assert names(clips=["5_miniature", "3_miniature"]) == ["5_miniature", "3_miniature"]
    assert names(clips=["5_miniature", "3_miniature"], limit=1) == ["5_miniature"]
    with pytest.raises(InputError, match=r"data set 'vspw': there is no clip '9_miniature' among 3 \(3_miniature, "):
        names(clips=["9_miniature"])
    with pytest.raises(InputError, match="there is no clip '5_miniature' among 2"):
        open_dataset("vspw", {"root": vspw, "limit": 2}).clip("5_miniature")


def test_vspw_lists_may_hold_blank_lines(vspw: Path) -> None:
    (vspw / "VSPW_480p" / "val.txt").write_bytes(b"\xef\xbb\xbf3_miniature\r\n\r\n  \n5_miniature\n\n")
    assert open_dataset("vspw", {"root": vspw}).clips() == ["3_miniature", "5_miniature"]


@pytest.mark.parametrize("name", ["../../etc", "..", "a/b", "/etc", "a\\b"])
def test_vspw_lists_stay_inside_the_root(vspw: Path, name: str) -> None:
    (vspw / "VSPW_480p" / "val.txt").write_text(f"3_miniature\n{name}")
    with pytest.raises(InputError) as caught:
        open_dataset("vspw", {"root": vspw})
    assert str(caught.value).startswith(f"data set 'vspw': {name!r} cannot be a name")


def test_vspw_that_is_not_there(tmp_path: Path) -> None:
    advice = r".*vspwdataset\.com.*`datasets: vspw: options: root:`"
    with pytest.raises(InputError, match=rf"data set 'vspw': no root is set; {advice}"):
        open_dataset("vspw", {})
    with pytest.raises(InputError, match=rf"data set 'vspw': there is no folder .*nowhere; {advice}"):
        open_dataset("vspw", {"root": tmp_path / "nowhere"})
    with pytest.raises(InputError, match=rf"data set 'vspw': .* holds no val\.txt; {advice}"):
        open_dataset("vspw", {"root": tmp_path})


def test_vspw_lists_that_name_nothing(vspw: Path) -> None:
    with pytest.raises(InputError, match=r"list .*train\.txt names no clip"):
        open_dataset("vspw", {"root": vspw, "split": "train"})
    (vspw / "VSPW_480p" / "val.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"list .*val\.txt cannot be read"):
        open_dataset("vspw", {"root": vspw})


def test_vspw_known_dirt(vspw: Path) -> None:
    folder = vspw / "VSPW_480p" / "data" / "3_miniature"
    write_mask(folder / "mask", "00000005.png", np.full((48, 64), 252))
    (folder / "origin" / "00000006.jpg").write_bytes(b"")
    clip = open_dataset("vspw", {"root": vspw}).clip("3_miniature")
    with pytest.raises(InputError) as caught:
        clip.check()
    assert str(caught.value) == "clip '3_miniature': mask 00000005.png holds id 252; expected 0..124 or 255"
    with pytest.raises(InputError, match=r"clip '3_miniature': frame 00000006\.jpg is empty \(0 bytes\)"):
        clip.frames([2])


def test_vspw_colour_masks_are_refused(vspw: Path) -> None:
    folder = vspw / "VSPW_480p" / "data" / "3_miniature" / "mask"
    Image.new("RGB", (64, 48), (120, 80, 40)).save(folder / "00000005.png")
    with pytest.raises(InputError, match=r"clip '3_miniature': mask 00000005\.png"):
        open_dataset("vspw", {"root": vspw}).clip("3_miniature").check()


def test_clips_can_be_left_out(vspw: Path) -> None:
    names = open_dataset("vspw", {"root": vspw}).clips()
    assert open_dataset("vspw", {"root": vspw, "exclude": names[:1]}).clips() == names[1:]
    assert open_dataset("vspw", {"root": vspw, "exclude": names[:1], "limit": 1}).clips() == names[1:2]
    with pytest.raises(InputError, match="there is no clip 'nothing'"):
        open_dataset("vspw", {"root": vspw, "exclude": ["nothing"]})


def test_vspw_clip_with_a_gap_or_without_folder(vspw: Path) -> None:
    data = open_dataset("vspw", {"root": vspw})
    origin = vspw / "VSPW_480p" / "data" / "3_miniature" / "origin"
    (origin / "00000005.jpg").unlink()
    with pytest.raises(InputError, match=r"clip '3_miniature': frame 00000005\.jpg is missing"):
        data.clip("3_miniature")
    origin.rename(vspw / "elsewhere")
    with pytest.raises(InputError, match=r"clip '3_miniature': there is no folder .*3_miniature/origin"):
        data.clip("3_miniature")


def test_vspw_test_split_has_no_labels(tmp_path: Path, rng: np.random.Generator) -> None:
    write_vspw(tmp_path, clips=1, frames=1, rng=rng, split="test")
    (tmp_path / "VSPW_480p" / "data" / "3_miniature" / "mask").rename(tmp_path / "hidden")
    clip = open_dataset("vspw", {"root": tmp_path, "split": "test"}).clip("3_miniature")
    assert clip.labels(0) is None


def test_vspw_without_class_names(vspw: Path) -> None:
    table = vspw / "VSPW_480p" / "label_num_dic_final.json"
    table.write_text("[1]")
    with pytest.raises(InputError, match=r"label_num_dic_final\.json is not a table of names and numbers"):
        open_dataset("vspw", {"root": vspw})
    table.unlink()
    legend = open_dataset("vspw", {"root": vspw}).legend
    assert legend is not None
    assert legend.names[123] == "class 123"


# CamVid


def test_camvid_clips_and_labels(tmp_path: Path, rng: np.random.Generator) -> None:
    write_camvid(tmp_path, rng=rng, sequences=("0016E5", "0001TP"))
    for root in (tmp_path, tmp_path / "CamVid"):
        data = open_dataset("camvid", {"root": root})
        assert data.clips() == ["0016E5", "0001TP"]
    clip = data.clip("0016E5")
    assert (len(clip), clip.size) == (5, (48, 64))
    labels = clip.labels(4)
    assert labels is not None
    assert set(np.unique(labels)) == {0, 3, 8, 9, 255}
    assert (labels[0] == 255).all()
    clip.check()
    last = Image.open(tmp_path / "CamVid" / "val" / "0016E5_10005.png")
    assert np.array_equal(clip.frames([4])[0], np.asarray(last))
    assert data.legend is not None
    assert data.legend.names[8] == "Car"


def test_camvid_without_lists_takes_the_folder(tmp_path: Path, rng: np.random.Generator) -> None:
    write_camvid(tmp_path, frames=2, rng=rng, split="test", sequences=("Seq05VD", "0001TP"))
    (tmp_path / "CamVid" / "test.txt").unlink()
    (tmp_path / "test_relative.txt").unlink()
    data = open_dataset("camvid", {"root": tmp_path, "split": "test", "limit": 1})
    assert data.clips() == ["0001TP"]
    assert len(data.clip("0001TP")) == 2


def test_camvid_lists_choose_frames(tmp_path: Path, rng: np.random.Generator) -> None:
    write_camvid(tmp_path, rng=rng)
    names = tmp_path / "CamVid" / "val.txt"
    names.write_text("/SegNet/CamVid/val/0016E5_09999.png /SegNet/CamVid/valannot/0016E5_09999.png")
    assert len(open_dataset("camvid", {"root": tmp_path}).clip("0016E5")) == 1
    names.write_text("CamVid/val/0016E5_00001.png\n")
    with pytest.raises(InputError, match=r"clip '0016E5': frame 0016E5_00001\.png is missing in .*val"):
        open_dataset("camvid", {"root": tmp_path}).clip("0016E5")
    for entry in (
        "../../etc/passwd",
        "CamVid/val/..",
        "CamVid/train/0016E5_00001.png",
        "val/../val/0016E5_09999.png",
    ):
        names.write_text(f"{entry} x\n")
        with pytest.raises(InputError) as caught:
            open_dataset("camvid", {"root": tmp_path})
        assert str(caught.value).startswith(f"data set 'camvid': val.txt, entry {entry!r}: ")


def test_camvid_bad_names_and_places(tmp_path: Path, rng: np.random.Generator) -> None:
    advice = r".*SegNet tutorial.*`datasets: camvid: options: root:`"
    with pytest.raises(InputError, match=rf"no root is set; {advice}"):
        open_dataset("camvid", {})
    with pytest.raises(InputError, match=rf"data set 'camvid': there is no folder .*val; {advice}"):
        open_dataset("camvid", {"root": tmp_path})
    write_camvid(tmp_path, rng=rng)
    (tmp_path / "CamVid" / "val.txt").write_text("CamVid/val/00001.png\n")
    with pytest.raises(InputError, match=r"frame 00001\.png has no sequence in its name"):
        open_dataset("camvid", {"root": tmp_path})


@pytest.mark.skipif(not CAMVID.is_dir(), reason=f"the real CamVid clip is not at {CAMVID}")
def test_camvid_real_clip() -> None:
    data = open_dataset("camvid", {"root": CAMVID})
    assert data.clips() == ["0016E5"]
    clip = data.clip("0016E5")
    assert (len(clip), clip.size) == (101, (360, 480))
    for index, name in ((0, "0016E5_07959"), (100, "0016E5_08159")):
        assert np.array_equal(clip.frames([index])[0], np.asarray(Image.open(CAMVID / f"CamVid/val/{name}.png")))
        stored = np.asarray(Image.open(CAMVID / f"CamVid/valannot/{name}.png"))
        assert np.array_equal(clip.labels(index), np.where(stored == 11, VOID, stored))  # pyright: ignore


# Generated clips


def test_scenes_are_the_rendered_clips() -> None:
    data = open_dataset("scenes", {"split": "validation", "count": 3, "frames": 40, "limit": 2})
    assert data.clips() == ["scene-0000", "scene-0001"]
    clip = data.clip("scene-0001")
    frames, labels = render_clip(2_000_001, 40, np.array([3, 35]))
    assert (len(clip), clip.size) == (40, (128, 192))
    assert np.array_equal(clip.frames([35, 3]), frames[::-1])
    for place, index in enumerate((3, 35)):
        assert np.array_equal(clip.labels(index), labels[place])  # pyright: ignore[reportArgumentType]
    assert clip.frames([]).shape == (0, 128, 192, 3)
    assert data.legend is not None
    assert data.legend.names == ("sky", "building", "road", "grass", "tree", "vehicle", "person")
    assert int(labels.max()) < len(data.legend.colours)


def test_scenes_splits_differ_and_one_frame_is_a_clip() -> None:
    seen = [
        open_dataset("scenes", {"split": s, "frames": 1}).clip("scene-0000").frames([0]) for s in ("train", "test")
    ]
    assert seen[0].shape == (1, 128, 192, 3)
    assert not np.array_equal(seen[0], seen[1])


@pytest.mark.parametrize("index", [-1, 2])
def test_scenes_frames_outside_the_clip_are_refused(index: int) -> None:
    with pytest.raises(IndexError, match=f"frame {index} of 2"):
        SceneClip("x", 1, 2).frames([index])


# A user's own clips


def test_user_clips_are_files_and_folders(tmp_path: Path) -> None:
    folder = write_frames(tmp_path / "frames", "a.png", "b.png")
    with VideoWriter(tmp_path / "film.mp4", 10) as writer:
        writer.write(np.full((3, 16, 16, 3), 90, np.uint8))
    data = open_dataset("user", {"clips": {"walk": str(folder), "drive": str(tmp_path / "film.mp4")}})
    assert data.clips() == ["walk", "drive"]
    assert data.legend is None
    assert [(len(clip), clip.name) for clip in map(data.clip, data.clips())] == [(2, "walk"), (3, "drive")]
    assert open_dataset("user", {"clips": {"walk": folder, "drive": folder}, "limit": 1}).clips() == ["walk"]


def test_user_clips_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"clip 'walk': there is no file or folder .*nowhere"):
        open_dataset("user", {"clips": {"walk": tmp_path / "nowhere"}})
    with pytest.raises(InputError, match=r"data set 'user': '\.\./walk' cannot be a name"):
        open_dataset("user", {"clips": {"../walk": tmp_path}})
