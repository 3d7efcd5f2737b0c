"""DAVIS and CLVOS23: objects in place of classes, lists of two kinds, few masks."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from miniatures import write_clvos, write_davis, write_mask
from zeroshot_vss.datasets import VOID, open_dataset
from zeroshot_vss.datasets.objects import MOST_OBJECTS, object_legend
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols.base import get_protocol
from zeroshot_vss.metrics.scoring import score_folder


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def test_colours_are_those_of_the_masks_palette() -> None:
    legend = object_legend(MOST_OBJECTS)
    assert legend.names[:2] == ("background", "object 1") and len(legend.names) == len(legend.colours) == 21
    expected = {0: (0, 0, 0), 1: (128, 0, 0), 3: (128, 128, 0), 7: (128, 128, 128), 8: (64, 0, 0), 9: (191, 0, 0)}
    expected |= {13: (191, 0, 128), 17: (128, 64, 0), 18: (0, 191, 0), 20: (0, 64, 128)}
    assert {label: tuple(legend.colours[label].tolist()) for label in expected} == expected
    assert len(np.unique(legend.colours, axis=0)) == 21


# DAVIS


def test_davis_2017(tmp_path: Path, rng: np.random.Generator) -> None:
    write_davis(tmp_path, ["bike-packing", "bear"], rng=rng)
    for root in (tmp_path, tmp_path / "DAVIS"):
        data = open_dataset("davis", {"root": root})
        assert data.clips() == ["bike-packing", "bear"]
    clip = data.clip("bear")
    assert (len(clip), clip.size, clip.reference, list(clip.mapped())) == (5, (24, 32), 0, [0, 1, 2, 3, 4])
    assert clip.frame_name(3) == "00003"
    labels = clip.labels(4)
    assert labels is not None and set(np.unique(labels)) == {0, 1, 2}
    clip.check()
    stored = np.asarray(Image.open(tmp_path / "DAVIS/Annotations/480p/bear/00004.png"))
    assert np.array_equal(labels, stored)


def test_davis_2016_from_the_archive_of_2017_has_one_object(tmp_path: Path, rng: np.random.Generator) -> None:
    write_davis(tmp_path, ["bear", "dog"], rng=rng)
    data = open_dataset("davis", {"root": tmp_path, "year": 2016})
    assert data.clips() == ["bear"]
    assert data.legend is not None and data.legend.names == ("background", "object 1")
    several = open_dataset("davis", {"root": tmp_path}).clip("bear").labels(0)
    labels = data.clip("bear").labels(0)
    assert labels is not None and several is not None and np.array_equal(labels, several != 0)


def test_davis_2016_from_its_own_archive(tmp_path: Path, rng: np.random.Generator) -> None:
    """Lists of path pairs with Windows' line ends, a folder of another name, masks of 0 and 255."""
    write_davis(tmp_path, ["bear", "dance-jump"], rng=rng, year=2016)
    data = open_dataset("davis", {"root": tmp_path, "year": 2016})
    assert data.clips() == ["bear", "dance-jump"]
    labels = data.clip("dance-jump").labels(0)
    assert labels is not None and set(np.unique(labels)) == {0, 1}
    with pytest.raises(
        InputError, match=r"data set 'davis': there is no list .*ImageSets/2017/val\.txt; get DAVIS-2017"
    ):
        open_dataset("davis", {"root": tmp_path})


@pytest.mark.parametrize(
    "entry",
    [
        "/JPEGImages/480p/../../../etc/passwd",
        "/JPEGImages/480p/../00000.jpg",
        "/etc/passwd",
        "/JPEGImages/1080p/bear/00000.jpg",
        "..",
        "a\\b",
    ],
)
def test_davis_lists_stay_inside_the_root(tmp_path: Path, rng: np.random.Generator, entry: str) -> None:
    write_davis(tmp_path, ["bear"], rng=rng)
    (tmp_path / "DAVIS" / "ImageSets" / "2017" / "val.txt").write_text(f"bear\n{entry} x\n")
    with pytest.raises(InputError) as caught:
        open_dataset("davis", {"root": tmp_path})
    assert str(caught.value).startswith("data set 'davis': ") and repr(entry) in str(caught.value)


def test_davis_dirt(tmp_path: Path, rng: np.random.Generator) -> None:
    write_davis(tmp_path, ["bear"], rng=rng)
    data = open_dataset("davis", {"root": tmp_path})
    frames, masks = (tmp_path / "DAVIS" / kind / "480p" / "bear" for kind in ("JPEGImages", "Annotations"))
    write_mask(masks, "00002.png", np.full((24, 32), 38))
    with pytest.raises(InputError) as caught:
        data.clip("bear").check()
    assert str(caught.value) == "clip 'bear': mask 00002.png holds id 38; expected 0..20 or 255"
    write_mask(masks, "00002.png", np.zeros((24, 32, 3)))
    with pytest.raises(InputError, match=r"clip 'bear': mask 00002\.png is a colour image"):
        data.clip("bear").check()
    (frames / "00001.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"clip 'bear': frame 00001\.jpg is empty \(0 bytes\)"):
        data.clip("bear").check()
    (masks / "00003.png").unlink()
    with pytest.raises(InputError, match=r"clip 'bear': frame 00003\.jpg has no mask 00003\.png in .*480p/bear"):
        data.clip("bear")
    (frames / "00002.jpg").unlink()
    with pytest.raises(InputError, match=r"clip 'bear': frame 00002\.jpg is missing between"):
        data.clip("bear")
    shutil.rmtree(frames)
    with pytest.raises(InputError, match=r"clip 'bear': there is no folder .*JPEGImages/480p/bear"):
        data.clip("bear")


def test_davis_void_stays_void(tmp_path: Path, rng: np.random.Generator) -> None:
    write_davis(tmp_path, ["bear"], rng=rng)
    write_mask(tmp_path / "DAVIS/Annotations/480p/bear", "00000.png", np.full((24, 32), 255))
    labels = open_dataset("davis", {"root": tmp_path}).clip("bear").labels(0)
    assert labels is not None and (labels == VOID).all()


@pytest.mark.parametrize("year", [2016, 2017])
def test_davis_folders_of_predictions(tmp_path: Path, rng: np.random.Generator, year: int) -> None:
    write_davis(tmp_path, ["bear", "dog"], rng=rng, year=year)
    data = open_dataset("davis", {"root": tmp_path, "year": year})
    _, figures = score_folder(data, tmp_path / "DAVIS/Annotations/480p", get_protocol(f"davis-{year}"))
    assert (figures["j_and_f"], figures["clips"], figures["frames"]) == (1, 2, 10)


def test_davis_that_is_not_there(tmp_path: Path) -> None:
    advice = r".*DAVIS-2017-trainval-480p\.zip.*`datasets: davis: options: root:`"
    with pytest.raises(InputError, match=rf"data set 'davis': no root is set; {advice}"):
        open_dataset("davis", {})
    with pytest.raises(InputError, match=rf"there is no list .*ImageSets/2016/val\.txt; {advice}"):
        open_dataset("davis", {"root": tmp_path, "year": 2016})
    with pytest.raises(InputError, match=r"data set 'davis': option 'year' is 2018: .*2016 or 2017"):
        open_dataset("davis", {"root": tmp_path, "year": 2018})


# CLVOS23


@pytest.mark.parametrize("first", [0, 9998])
def test_clvos_has_few_masks(tmp_path: Path, rng: np.random.Generator, first: int) -> None:
    write_clvos(tmp_path, ["skiing", "car"], first=first, rng=rng)
    (tmp_path / "Annotations" / ".cache").mkdir()
    data = open_dataset("clvos", {"root": tmp_path})
    assert data.clips() == ["car", "skiing"]
    clip = data.clip("car")
    assert (len(clip), clip.reference, list(clip.mapped())) == (7, 0, [0, 3, 6])
    assert [index for index in range(7) if clip.labels(index) is not None] == [0, 3, 6]
    labels = clip.labels(3)
    assert labels is not None and set(np.unique(labels)) == {0, 1}
    clip.check()
    _, figures = score_folder(data, tmp_path / "Annotations", get_protocol("clvos"))
    assert (figures["j_and_f"], figures["frames"]) == (1, 6)


def test_clvos_without_the_frames_of_long_videos(tmp_path: Path, rng: np.random.Generator) -> None:
    write_clvos(tmp_path, ["rat", "dog"], rng=rng)
    for video in ("rat", "dog"):
        shutil.rmtree(tmp_path / "JPEGImages" / video)
    data = open_dataset("clvos", {"root": tmp_path})
    assert data.clips() == ["dog", "rat"]
    with pytest.raises(
        InputError, match=r"clip 'rat': its frames are missing; they come with the Long Videos set .*rat, "
    ):
        data.clip("rat")
    with pytest.raises(
        InputError, match=r"clip 'dog': its frames are missing; they come with CLVOS23: put them into "
    ):
        data.clip("dog")
    assert open_dataset("clvos", {"root": tmp_path, "clips": ["dog"]}).clips() == ["dog"]


def test_clvos_dirt(tmp_path: Path, rng: np.random.Generator) -> None:
    write_clvos(tmp_path, ["car"], rng=rng)
    data = open_dataset("clvos", {"root": tmp_path})
    frames, masks = tmp_path / "JPEGImages" / "car", tmp_path / "Annotations" / "car"
    write_mask(masks, "00003.png", np.zeros((24, 32, 3)))
    with pytest.raises(InputError, match=r"clip 'car': mask 00003\.png is a colour image"):
        data.clip("car").check()
    (frames / "00006.jpg").unlink()
    with pytest.raises(InputError, match=r"clip 'car': mask 00006\.png has no frame 00006\.jpg in .*JPEGImages/car"):
        data.clip("car")
    (frames / "00004.jpg").unlink()
    with pytest.raises(
        InputError, match=r"clip 'car': frame 00004\.jpg is missing between 00003\.jpg and 00005\.jpg"
    ):
        data.clip("car")


def test_clvos_that_is_not_there(tmp_path: Path) -> None:
    advice = r"get CLVOS23 as https://github\.com/Amir4g/CLVOS23 says, .*`datasets: clvos: options: root:`"
    with pytest.raises(InputError, match=rf"no root is set; {advice}"):
        open_dataset("clvos", {})
    with pytest.raises(InputError, match=rf"data set 'clvos': .*Annotations holds no folder of masks; {advice}"):
        open_dataset("clvos", {"root": tmp_path})
