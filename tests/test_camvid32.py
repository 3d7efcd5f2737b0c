"""CamVid with 32 classes: colours or ids, and the validation clip among the stills of its sequence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from miniatures import CAMVID32_COLOURS, CAMVID32_IDS, write_camvid32, write_mask
from zeroshot_vss.datasets import VOID, open_dataset
from zeroshot_vss.datasets.camvid32 import COLOURS, LEGEND, VAL
from zeroshot_vss.errors import InputError

STEMS = [Path(name).stem for name in VAL]
STILLS = ["0016E5_07920", "0016E5_08190", "Seq05VD_f00000", "Seq05VD_f00030"]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def ids_of(labels: np.ndarray) -> np.ndarray:
    """Class ids as the reader should give them."""
    ids = np.array([CAMVID32_IDS[label] for label in range(4)], np.uint8)[labels]
    ids[0] = VOID
    return ids


def test_classes_are_in_alphabetical_order_and_void_is_none() -> None:
    assert len(LEGEND.names) == len(LEGEND.colours) == 32
    assert list(LEGEND.names) == sorted(LEGEND.names, key=str.lower) and LEGEND.names[30] == "Void"
    assert len(np.unique(LEGEND.colours, axis=0)) == 32
    for shape, colour in CAMVID32_COLOURS.items():
        assert tuple(LEGEND.colours[CAMVID32_IDS[shape]].tolist()) == colour


def test_every_colour_has_its_id(tmp_path: Path) -> None:
    Image.fromarray(LEGEND.colours[None]).save(tmp_path / "mask.png")
    expected = [VOID if label == 30 else label for label in range(32)]
    assert COLOURS.read(tmp_path / "mask.png", "clip 'x'").tolist() == [expected]
    # The same as a palette image, whose indices mean nothing.
    Image.fromarray(LEGEND.colours[None]).quantize(32).save(tmp_path / "mask.png")
    assert COLOURS.read(tmp_path / "mask.png", "clip 'x'").tolist() == [expected]


def test_original_layout(tmp_path: Path, rng: np.random.Generator) -> None:
    labels = write_camvid32(tmp_path, STEMS, rng=rng)
    write_camvid32(tmp_path, STILLS, rng=rng)
    data = open_dataset("camvid-32", {"root": tmp_path})
    assert data.clips() == ["0016E5"]
    clip = data.clip("0016E5")
    assert (len(clip), clip.size, clip.reference) == (101, (12, 16), 0)
    assert (clip.frame_name(0), clip.frame_name(100)) == ("0016E5_07959", "0016E5_08159")
    for index in (0, 57, 100):
        assert np.array_equal(clip.labels(index), ids_of(labels[index]))  # pyright: ignore[reportArgumentType]
    clip.check()
    stills = open_dataset("camvid-32", {"root": tmp_path, "split": "all"})
    assert stills.clips() == ["0016E5", "Seq05VD"]
    assert [len(stills.clip(name)) for name in stills.clips()] == [103, 2]
    assert open_dataset("camvid-32", {"root": tmp_path, "split": "all", "clips": ["Seq05VD"]}).clips() == ["Seq05VD"]


def test_layout_with_ids(tmp_path: Path, rng: np.random.Generator) -> None:
    labels = write_camvid32(tmp_path, STEMS[:4], rng=rng, ids=True)
    data = open_dataset("camvid-32", {"root": tmp_path})
    assert data.clips() == ["0016E5"]
    clip = data.clip("0016E5")
    assert len(clip) == 4
    assert np.array_equal(clip.labels(3), ids_of(labels[3]))  # pyright: ignore[reportArgumentType]
    clip.check()
    with pytest.raises(
        InputError, match=r"data set 'camvid-32': .*val holds the split 'val' alone; for 'all' get 701_"
    ):
        open_dataset("camvid-32", {"root": tmp_path, "split": "all"})


def test_unknown_colours(tmp_path: Path, rng: np.random.Generator) -> None:
    write_camvid32(tmp_path, STILLS, rng=rng)
    mask = np.array(Image.open(tmp_path / "LabeledApproved_full" / "Seq05VD_f00030_L.png"))
    mask[3, 4], mask[5, 6] = (128, 128, 129), (255, 255, 255)
    write_mask(tmp_path / "LabeledApproved_full", "Seq05VD_f00030_L.png", mask)
    with pytest.raises(InputError) as caught:
        open_dataset("camvid-32", {"root": tmp_path, "split": "all"}).clip("Seq05VD").check()
    assert str(caught.value).startswith(
        "clip 'Seq05VD': mask Seq05VD_f00030_L.png holds the colour (128, 128, 129), which is that of no class"
    )
    write_mask(tmp_path / "LabeledApproved_full", "Seq05VD_f00030_L.png", np.full((12, 16, 3), 255))
    with pytest.raises(InputError, match=r"Seq05VD_f00030_L\.png holds the colour \(255, 255, 255\)"):
        open_dataset("camvid-32", {"root": tmp_path, "split": "all"}).clip("Seq05VD").check()


def test_dirt(tmp_path: Path, rng: np.random.Generator) -> None:
    write_camvid32(tmp_path / "original", STEMS, rng=rng)
    data = open_dataset("camvid-32", {"root": tmp_path / "original"})
    (tmp_path / "original" / "701_StillsRaw_full" / VAL[3]).write_bytes(b"")
    with pytest.raises(InputError, match=r"clip '0016E5': frame 0016E5_07965\.png is empty \(0 bytes\)"):
        data.clip("0016E5").check()
    for kind, name in (("LabeledApproved_full", f"{STEMS[5]}_L.png"), ("701_StillsRaw_full", VAL[9])):
        (tmp_path / "original" / kind / name).unlink()
        with pytest.raises(InputError, match=rf"clip '0016E5': {name} is missing in .*{kind}"):
            data.clip("0016E5")
    write_camvid32(tmp_path / "ids", STEMS[:3], rng=rng, ids=True)
    masks = tmp_path / "ids" / "valannotnew"
    clip = open_dataset("camvid-32", {"root": tmp_path / "ids"}).clip("0016E5")
    write_mask(masks, f"{STEMS[1]}.png", np.full((12, 16), 32))
    with pytest.raises(InputError) as caught:
        clip.check()
    assert str(caught.value) == f"clip '0016E5': mask {STEMS[1]}.png holds id 32; expected 0..31 (30 is void)"
    write_mask(masks, f"{STEMS[1]}.png", np.zeros((12, 16, 3)))
    with pytest.raises(InputError, match="is a colour image"):
        clip.check()
    (masks / f"{STEMS[2]}.png").unlink()
    with pytest.raises(InputError, match=rf"frame {STEMS[2]}\.png has no mask {STEMS[2]}\.png in .*valannotnew"):
        open_dataset("camvid-32", {"root": tmp_path / "ids"}).clip("0016E5")


def test_what_is_not_there(tmp_path: Path, rng: np.random.Generator) -> None:
    advice = r".*LabeledApproved_full\.zip.*`datasets: camvid-32: options: root:`"
    with pytest.raises(InputError, match=rf"data set 'camvid-32': no root is set; {advice}"):
        open_dataset("camvid-32", {})
    with pytest.raises(InputError, match=rf"data set 'camvid-32': there is no folder .*/val; {advice}"):
        open_dataset("camvid-32", {"root": tmp_path})
    write_camvid32(tmp_path, STEMS[:1], rng=rng)
    (tmp_path / "LabeledApproved_full").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=rf"there is no folder .*/LabeledApproved_full; {advice}"):
        open_dataset("camvid-32", {"root": tmp_path})
