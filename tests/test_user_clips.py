"""A user's own clips: masks to start from, names, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from miniatures import write_frames
from test_config import shipped
from zeroshot_vss.clips.naming import Naming, parse_names, read_names, write_names
from zeroshot_vss.config import read_config
from zeroshot_vss.config.labelling import check_own_clip
from zeroshot_vss.config.own_clip import OwnClip
from zeroshot_vss.datasets import VOID, open_dataset
from zeroshot_vss.datasets.annotation import annotation
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.palette import cluster_colours
from zeroshot_vss.io.video import VideoWriter

IDS = np.array([[0, 0, 1, 1, 7, 7, 255, 255]] * 6, np.uint8)
RED, BLUE = (250, 0, 0), (0, 0, 250)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_frames(tmp_path / "swan", "00001.png", "00002.png", "00003.png")


def grey(path: Path) -> Path:
    Image.fromarray(IDS).save(path)
    return path


def palette(path: Path) -> Path:
    image = Image.fromarray(IDS)
    image.putpalette(list(range(256)) * 3)
    image.save(path)
    return path


def colours(path: Path) -> Path:
    rgb = np.zeros((6, 8, 3), np.uint8)
    rgb[:, 2:4], rgb[:, 4:] = RED, BLUE
    Image.fromarray(rgb).save(path)
    return path


def opened(folder: Path, **more: Any) -> Any:
    return open_dataset("user", {"clips": {"swan": {"path": str(folder), **more}}})


def test_a_path_alone_has_no_labels(folder: Path) -> None:
    data = open_dataset("user", {"clips": {"swan": str(folder)}})
    clip = data.clip("swan")
    assert data.legend_of("swan") is None and annotation(data, clip) is None
    assert [clip.labels(index) for index in range(3)] == [None] * 3


@pytest.mark.parametrize("write", [grey, palette])
def test_ids_of_a_mask(folder: Path, tmp_path: Path, write: Any) -> None:
    data = opened(folder, mask=str(write(tmp_path / "mask.png")))
    clip = data.clip("swan")
    assert clip.reference == 0 and clip.annotated() == 1 and len(clip) == 3
    truth = annotation(data, clip)
    assert truth is not None and truth.tolist() == IDS.tolist()
    assert clip.labels(1) is None
    legend = data.legend_of("swan")
    assert legend.names == ("background", *(f"label {label}" for label in range(1, 8)))
    assert np.array_equal(legend.colours, cluster_colours(8))
    clip.check()


def test_colours_of_a_mask(folder: Path, tmp_path: Path) -> None:
    mask = str(colours(tmp_path / "mask.png"))
    by_code = opened(folder, mask=mask)  # 0x0000fa before 0xfa0000
    assert by_code.clip("swan").labels(0)[0].tolist() == [0, 0, 2, 2, 1, 1, 1, 1]
    assert by_code.legend_of("swan").colours.tolist() == [[0, 0, 0], list(BLUE), list(RED)]
    named = opened(folder, mask=mask, colours=["#fa0000", "#0000FA"])
    assert named.clip("swan").labels(0)[0].tolist() == [0, 0, 1, 1, 2, 2, 2, 2]
    with pytest.raises(
        InputError, match=r"clip 'swan': mask mask\.png holds the colour \(0, 0, 250\), which is that of no"
    ):
        opened(folder, mask=mask, colours=["#fa0000"]).clip("swan")
    with pytest.raises(InputError, match=r"clip 'swan': 'red' is no colour; expected #rrggbb"):
        opened(folder, mask=mask, colours=["red"]).clip("swan")


def test_a_mask_with_thousands_of_colours_is_refused(folder: Path, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (30, 30, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"clip 'swan': mask mask\.png holds [0-9]+ colours, expected 64 at most"):
        opened(folder, mask=str(tmp_path / "mask.png")).clip("swan")


def test_any_frame_may_be_annotated(folder: Path, tmp_path: Path) -> None:
    by_name = opened(folder, mask=str(grey(tmp_path / "00003.png"))).clip("swan")
    assert by_name.reference == 2 and by_name.labels(2) is not None and by_name.labels(0) is None
    by_number = opened(folder, mask=str(grey(tmp_path / "00003.png")), mask_frame=1).clip("swan")
    assert by_number.reference == 1
    with VideoWriter(tmp_path / "x.mp4", 5) as writer:
        writer.write(np.zeros((4, 6, 8, 3), np.uint8))
    for name, frame in (("frame3.png", 3), ("2.png", 2), ("swan2.png", 0), ("mask.png", 0)):
        assert opened(tmp_path / "x.mp4", mask=str(grey(tmp_path / name))).clip("swan").reference == frame
    with pytest.raises(
        InputError, match=r"clip 'swan': mask 9\.png is of frame 9, but the last frame is 3; say which"
    ):
        opened(tmp_path / "x.mp4", mask=str(grey(tmp_path / "9.png"))).clip("swan")


def test_a_black_and_white_mask_is_of_one_object(folder: Path, tmp_path: Path) -> None:
    white = np.where(IDS == 1, 255, 0).astype(np.uint8)
    Image.fromarray(white).save(tmp_path / "mask.png")
    data = opened(folder, mask=str(tmp_path / "mask.png"))
    labels = data.clip("swan").labels(0)
    assert labels is not None and np.array_equal(labels, white // 255)
    assert data.legend_of("swan").names == ("background", "label 1")


def test_void_has_no_name() -> None:
    with pytest.raises(InputError, match=r"clips: swan: names: '255' is no label; expected numbers of 0\.\.254"):
        OwnClip(path="x", mask="m.png", names={"255": "swan"}).label_names("swan")


def test_masks_that_do_not_fit(folder: Path, tmp_path: Path) -> None:
    Image.fromarray(IDS[:4]).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"clip 'swan': mask mask\.png is 8 x 4 pixels, but the frames are 8 x 6"):
        opened(folder, mask=str(tmp_path / "mask.png")).clip("swan")
    with pytest.raises(InputError, match=r"clip 'swan': there is no mask .*gone\.png"):
        opened(folder, mask=str(tmp_path / "gone.png"))
    Image.fromarray(np.full((6, 8), VOID, np.uint8)).save(tmp_path / "mask.png")
    data = opened(folder, mask=str(tmp_path / "mask.png"))
    with pytest.raises(
        InputError, match=r"clip 'swan': the annotation of the first frame \(00001\) is void everywhere"
    ):
        annotation(data, data.clip("swan"))


# Names


def test_names_from_the_command_line() -> None:
    assert parse_names("1=swan, 2 = clear water,") == {"1": "swan", "2": "clear water"}
    assert parse_names("#ff0000=swan") == {"#ff0000": "swan"}
    for text, message in (("swan", "'swan' has no '='"), ("1=a,1=b", "'1' stands twice"), ("1=", "cannot be a name")):
        with pytest.raises(InputError, match=message):
            parse_names(text)


def test_a_file_of_names(tmp_path: Path) -> None:
    write_names(tmp_path / "names.json", {0: "swan", 12: "water"})
    assert read_names(tmp_path / "names.json") == {"0": "swan", "12": "water"}
    (tmp_path / "names.yaml").write_text("0: swan\n12: clear water\n")
    assert read_names(tmp_path / "names.yaml") == {"0": "swan", "12": "clear water"}
    for text in ("[1, 2]", "0: [a]", "{", "0: 1"):
        (tmp_path / "bad.yaml").write_text(text)
        with pytest.raises(InputError, match=r"names: .*bad\.yaml"):
            read_names(tmp_path / "bad.yaml")


def test_names_of_labels_that_cannot_be() -> None:
    with pytest.raises(InputError, match=r"names: 255 is no label; expected 0\.\.254"):
        Naming.of({255: "x"})
    with pytest.raises(InputError, match="cannot be a name"):
        Naming.of({1: "a\nb"})


def test_clips_of_the_configuration() -> None:
    """Names are not given to the stages that run a model."""
    assert OwnClip(path="a.mp4", names={3: "swan", "5": "swan"}).spec() == "a.mp4"
    masked = OwnClip(path="a.mp4", mask="m.png", names={"#ff0000": "swan", "#00ff00": "water"})
    assert masked.spec() == {"path": "a.mp4", "mask": "m.png", "colours": ["#ff0000", "#00ff00"]}
    assert masked.label_names("x") == {1: "swan", 2: "water"}
    assert OwnClip(path="a.mp4", mask="m.png", names={1: "swan"}).spec() == {"path": "a.mp4", "mask": "m.png"}
    with pytest.raises(InputError, match=r"clips: x: names: 'swan' is no label"):
        OwnClip(path="a.mp4", names={"swan": "swan"}).label_names("x")


def test_own_clips_that_cannot_be_labelled() -> None:
    config = read_config(shipped())

    def refused(method: str, clip: str = "swan") -> str:
        chosen = config.user_clips.model_copy(update={"method": method})
        own = {"swan": OwnClip(path="a.mp4"), "geese": OwnClip(path="b.mp4")}
        with pytest.raises(InputError) as caught:
            check_own_clip(config.model_copy(update={"clips": own, "user_clips": chosen}), clip)
        return str(caught.value)

    assert refused("ours", "swam") == "clips: there is no clip 'swam'; did you mean 'swan'?; known: swan, geese"
    assert refused("tmanet").startswith("user_clips: method: 'tmanet' is another system, of which only published")
    assert refused("first-frame").startswith("user_clips: method: 'first-frame' copies the annotation of the first")
    assert refused("mask2former").startswith("user_clips: method: 'mask2former' is a supervised network")
