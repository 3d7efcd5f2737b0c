"""Cityscapes: snippets found from their annotations, labels named by the annotated frame, loose predictions."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from array_clip import ArrayDataSet
from miniatures import BOX, CITYSCAPES_IDS, DISC, UPPER, moving_shapes, write_cityscapes, write_mask
from zeroshot_vss.datasets import VOID, open_dataset
from zeroshot_vss.datasets.annotation import annotation
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import Manifest, content_digest, read_all, write_clip
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.metrics.protocols.base import get_protocol
from zeroshot_vss.metrics.scoring import score_clip, score_folder
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.stages import coarse

# The second follows the first without a gap, as in frankfurt; the annotated frame of the last has number 19.
SNIPPETS = ("frankfurt_000000_000294", "frankfurt_000000_000324", "lindau_000003_000019")


@pytest.fixture
def cityscapes(tmp_path: Path) -> Path:
    root = tmp_path / "cityscapes"
    write_cityscapes(root, SNIPPETS, rng=np.random.default_rng(0))
    return root


def test_snippets_are_found_from_their_annotated_frame(cityscapes: Path) -> None:
    data = open_dataset("cityscapes", {"root": cityscapes})
    assert data.clips() == list(SNIPPETS)
    assert data.legend is not None
    assert [data.legend.names[label] for label in (0, 7, 26, 33)] == ["unlabeled", "road", "car", "bicycle"]
    assert len(data.legend.names) == len(data.legend.colours) == 34
    for name, first in zip(SNIPPETS, (275, 305, 0), strict=True):
        clip = data.clip(name)
        assert (clip.name, len(clip), clip.size, clip.reference) == (name, 30, (16, 32), 19)
        assert clip.frame_name(19) == name
        assert clip.frame_name(0) == f"{name[:-6]}{first:06d}"
        folder = cityscapes / "leftImg8bit_sequence" / "val" / name.split("_", maxsplit=1)[0]
        picture = np.asarray(Image.open(folder / f"{name}_leftImg8bit.png"))
        assert np.array_equal(clip.frames([19])[0], picture)
        assert clip.frame_name(29) == f"{name[:-6]}{first + 29:06d}"
        assert list(clip.mapped()) == [19]
        assert [index for index in range(30) if clip.labels(index) is not None] == [19]
        clip.check()


def test_labels_are_the_raw_label_ids(cityscapes: Path) -> None:
    data = open_dataset("cityscapes", {"root": cityscapes})
    labels = annotation(data, data.clip(SNIPPETS[1]))
    assert labels is not None
    assert (labels[0] == VOID).all() and (labels[1] == 3).all()
    stored = np.asarray(Image.open(cityscapes / "gtFine/val/frankfurt" / f"{SNIPPETS[1]}_gtFine_labelIds.png"))
    assert np.array_equal(labels, stored) and {3, 7, 23, VOID} <= set(np.unique(labels))


@pytest.mark.parametrize(("frames", "first", "reference"), [(1, 294, 0), (8, 287, 7), (20, 275, 19), (24, 275, 19)])
def test_clips_can_be_shorter(cityscapes: Path, frames: int, first: int, reference: int) -> None:
    clip = open_dataset("cityscapes", {"root": cityscapes, "frames": frames}).clip(SNIPPETS[0])
    assert (len(clip), clip.reference) == (frames, reference)
    assert clip.frame_name(0) == f"frankfurt_000000_{first:06d}"
    assert clip.frame_name(reference) == SNIPPETS[0]
    assert clip.labels(reference) is not None and list(clip.mapped()) == [reference]


def test_the_whole_split_is_listed_without_reading_an_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for city, count in (("munster", 174), ("frankfurt", 267), ("lindau", 59)):
        for kind in ("gtFine", "leftImg8bit_sequence"):
            (tmp_path / kind / "val" / city).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "gtFine" / "val" / city / f"{city}_000000_{30 * number:06d}_gtFine_labelIds.png").touch()
    monkeypatch.setattr(Image, "open", None)
    names = open_dataset("cityscapes", {"root": tmp_path}).clips()
    assert len(names) == 500 and names == sorted(names)
    assert open_dataset("cityscapes", {"root": tmp_path, "limit": 2}).clips() == names[:2]


def test_missing_frames(cityscapes: Path) -> None:
    folder = cityscapes / "leftImg8bit_sequence" / "val" / "frankfurt"
    for number in (278, 281, 300):
        (folder / f"frankfurt_000000_{number:06d}_leftImg8bit.png").unlink()
    with pytest.raises(InputError) as caught:
        open_dataset("cityscapes", {"root": cityscapes}).clip(SNIPPETS[0])
    assert str(caught.value) == (
        f"clip 'frankfurt_000000_000294': 3 of the 30 frames around the annotated one are missing in {folder}, "
        "the first is frankfurt_000000_000278_leftImg8bit.png; fetch them, or set the data set's option `frames` "
        "lower"
    )
    assert len(open_dataset("cityscapes", {"root": cityscapes, "frames": 13}).clip(SNIPPETS[0])) == 13
    assert len(open_dataset("cityscapes", {"root": cityscapes}).clip(SNIPPETS[1])) == 30


def test_a_snippet_cannot_begin_before_the_sequence(cityscapes: Path) -> None:
    fine = cityscapes / "gtFine" / "val" / "lindau"
    (fine / "lindau_000003_000019_gtFine_labelIds.png").rename(fine / "lindau_000003_000005_gtFine_labelIds.png")
    data = open_dataset("cityscapes", {"root": cityscapes})
    with pytest.raises(
        InputError, match=r"clip 'lindau_000003_000005': 14 of the 30 frames around the annotated one"
    ):
        data.clip("lindau_000003_000005")


def test_dirt(cityscapes: Path) -> None:
    data = open_dataset("cityscapes", {"root": cityscapes})
    fine = cityscapes / "gtFine" / "val" / "frankfurt"
    where = f"clip '{SNIPPETS[0]}'"
    mask = f"{SNIPPETS[0]}_gtFine_labelIds.png"
    write_mask(fine, mask, np.full((16, 32), 34))
    with pytest.raises(InputError) as caught:
        data.clip(SNIPPETS[0]).check()
    assert str(caught.value) == f"{where}: mask {mask} holds id 34; expected labelIds, 0..33 or 255"
    (fine / f"{SNIPPETS[0]}_gtFine_color.png").replace(fine / mask)
    with pytest.raises(InputError, match=rf"{where}: mask {mask} is a colour image"):
        data.clip(SNIPPETS[0]).check()
    write_mask(fine, mask, np.zeros((16, 16)))
    with pytest.raises(InputError, match=rf"{where}: mask {mask} is 16 x 16 pixels, but its frame .* is 32 x 16"):
        data.clip(SNIPPETS[0]).check()
    write_mask(fine, mask, np.full((16, 32), VOID))
    with pytest.raises(InputError, match=rf"{where}: the annotation of the reference frame .*is void everywhere"):
        annotation(data, data.clip(SNIPPETS[0]))
    frame = cityscapes / "leftImg8bit_sequence" / "val" / "lindau" / "lindau_000003_000004_leftImg8bit.png"
    frame.write_bytes(b"")
    with pytest.raises(InputError, match=rf"clip '{SNIPPETS[2]}': frame {frame.name} is empty \(0 bytes\)"):
        data.clip(SNIPPETS[2]).check()
    odd = fine.parent / "lindau" / "lindau_3_000019_gtFine_labelIds.png"
    odd.touch()
    with pytest.raises(
        InputError, match=r"clip 'lindau_3_000019': .* is not named <city>_<6 digits>_<6 digits>_gtFine"
    ):
        open_dataset("cityscapes", {"root": cityscapes}).clip("lindau_3_000019")


def test_what_is_not_there(cityscapes: Path) -> None:
    advice = r".*leftImg8bit_sequence_trainvaltest\.zip.*`datasets: cityscapes: options: root:`"
    with pytest.raises(InputError, match=rf"data set 'cityscapes': no root is set; {advice}"):
        open_dataset("cityscapes", {})
    with pytest.raises(InputError, match=rf"there is no folder .*leftImg8bit_sequence/train; {advice}"):
        open_dataset("cityscapes", {"root": cityscapes, "split": "train"})
    for path in (cityscapes / "gtFine" / "val").rglob("*_labelIds.png"):
        path.unlink()
    with pytest.raises(InputError, match=r"gtFine/val holds no <city>/\*_gtFine_labelIds\.png"):
        open_dataset("cityscapes", {"root": cityscapes})


# Scores


def test_predictions_are_asked_for_annotated_frames_alone(cityscapes: Path) -> None:
    clip = open_dataset("cityscapes", {"root": cityscapes}).clip(SNIPPETS[0])
    truth = clip.labels(19)
    assert truth is not None
    asked: list[int] = []

    def predict(index: int) -> np.ndarray:
        asked.append(index)
        return np.where(truth == VOID, np.uint8(7), truth)

    scores = score_clip(clip, predict, get_protocol("cityscapes-official"))
    assert (asked, scores.frames) == ([19], 1)


@pytest.mark.parametrize("protocol", ["cityscapes-official", "cityscapes-paper"])
def test_predictions_may_lie_anywhere(cityscapes: Path, tmp_path: Path, protocol: str) -> None:
    data = open_dataset("cityscapes", {"root": cityscapes})
    places = ("results/frankfurt/{}_pred.png", "{}.png", "results/{}*leftImg8bit.png")
    for name, place in zip(SNIPPETS, places, strict=True):
        truth = data.clip(name).labels(19)
        assert truth is not None
        path = tmp_path / "predictions" / place.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.where(truth == VOID, np.uint8(7), truth)).save(path)
    scores, figures = score_folder(data, tmp_path / "predictions", get_protocol(protocol))
    assert (figures["miou"], figures["frames"], [each.clip for each in scores]) == (1, 3, list(SNIPPETS))
    # Another frame's prediction must not stand in.
    wrong = tmp_path / "predictions" / "results" / "frankfurt" / f"{SNIPPETS[0]}_pred.png"
    with pytest.raises(
        InputError, match=r"frankfurt_000000_000294_pred\.png and .*294_x\.png are both predictions of"
    ):
        wrong.with_name(f"{SNIPPETS[0]}_x.png").write_bytes(wrong.read_bytes())
        score_folder(data, tmp_path / "predictions", get_protocol(protocol))
    wrong.with_name(f"{SNIPPETS[0]}_x.png").unlink()
    wrong.rename(wrong.with_name("frankfurt_000000_000293.png"))
    with pytest.raises(
        InputError, match=r"clip '.*294': there is no prediction frankfurt_000000_000294\*\.png below"
    ):
        score_folder(data, tmp_path / "predictions", get_protocol(protocol))


def test_names_of_frames_must_be_unique_for_that(tmp_path: Path) -> None:
    truth = np.zeros((4, 4), np.uint8)
    write_mask(tmp_path / "loose", "00000000.png", truth)
    with pytest.raises(InputError, match="there is no folder of predictions for 1 of 1 clips"):
        score_folder(ArrayDataSet({"a": [truth]}), tmp_path / "loose", get_protocol("vspw"))


# The context model

GRID = (6, 8)


def test_clusters_are_named_by_the_annotated_frame(tmp_path: Path) -> None:
    """Features that tell the shapes apart: the maps hold labelIds from the first frame on."""
    root, name = tmp_path / "cityscapes", SNIPPETS[0]
    size = (GRID[0] * 8, GRID[1] * 8)
    write_cityscapes(root, [name], size, rng=np.random.default_rng(5))
    rng = np.random.default_rng(5)
    _, labels = moving_shapes(30, size, rng)
    cells = labels[:, 4::8, 4::8].copy()
    # The disc is gone before the annotated frame, so its cluster has no name.
    cells[cells == DISC] = UPPER
    cells[:5, 1:3, 3:6] = DISC
    tokens = np.eye(4)[cells] + 0.05 * rng.standard_normal((*cells.shape, 4))

    def fill(file: h5py.File) -> None:
        file["rows"] = np.array(rows_of_clip(30, Sampling()), np.int32)
        file["block7"] = tokens.astype(np.float16)

    write_clip(tmp_path / "features" / f"{name}.h5", {}, fill)
    paths = {stage: str(tmp_path / stage / "0000.json") for stage in ("checked", "features", "coarse")}
    digests = {"checked": "digest", "features": content_digest(tmp_path / "features" / f"{name}.h5")}
    for stage, digest in digests.items():
        Manifest(Path(paths[stage]), {name: digest}).write()
    job = CoarseJob(
        dataset=DataSetSpec(name="cityscapes", kind="cityscapes", options={"root": str(root)}),
        clips=(name,),
        settings=ContextModel(blocks=(7,), clusters=4),
        features=Features(blocks=(7,)),
        refinement=None,
        masks=paths["checked"],
        cached=paths["features"],
        manifest=paths["coarse"],
    )
    coarse.run(job)
    actual = read_all(tmp_path / "coarse" / f"{name}.h5", "maps")
    expected = np.array([CITYSCAPES_IDS[label] for label in range(3)] + [VOID], np.uint8)[cells]
    assert (actual == expected).mean() > 0.99
    assert (actual[:5, 1:3, 3:6] == VOID).all() and (actual[19] != VOID).all()
    assert (actual[0][cells[0] == BOX] == CITYSCAPES_IDS[BOX]).all()
