"""Protocols, scores on disk and folders of predictions, from end to end."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from PIL import Image

from array_clip import ArrayClip, ArrayDataSet
from zeroshot_vss.datasets.base import LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols.base import PROTOCOLS, clip_figures, get_protocol, pool
from zeroshot_vss.metrics.scores import ClipScores, load_clips, save_clips
from zeroshot_vss.metrics.scoring import score_clip, score_folder, write_scores

VOID = 255


def video(seed: int, frames: int = 10, classes: int = 3) -> NDArray[np.uint8]:
    """Blocks that change now and then, [frames, 12, 16]."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, classes, (frames, 3, 4))
    for index in range(1, frames):
        blocks[index] = np.where(rng.random((3, 4)) < 0.9, blocks[index - 1], blocks[index])
    return blocks.repeat(4, axis=1).repeat(4, axis=2).astype(np.uint8)


def score(name: str, truth: NDArray[np.uint8], prediction: NDArray[np.uint8], protocol: str = "vspw") -> ClipScores:
    return score_clip(ArrayClip(name, list(truth)), list(prediction).__getitem__, get_protocol(protocol))


def write_masks(folder: Path, ids: NDArray[np.uint8]) -> None:
    folder.mkdir(parents=True)
    for index, frame in enumerate(ids):
        Image.fromarray(frame).save(folder / f"{index:08d}.png")


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_gives_a_perfect_prediction_a_perfect_score(name: str, tmp_path: Path) -> None:
    # Ids 7 and 8 are evaluated by every protocol; 1 and 2 are the objects of DAVIS.
    truth = np.where(video(0) == 0, 7, 8).astype(np.uint8)
    if "davis" in name or name == "clvos":
        truth -= 6
    write_masks(tmp_path / "a", truth)
    scores, figures = score_folder(ArrayDataSet({"a": list(truth)}), tmp_path, get_protocol(name))
    headline = "miou" if "miou" in figures else "j_and_f"
    assert figures[headline] == 1
    assert (figures["protocol"], figures["clips"], figures["frames"]) == (name, 1, 10)
    assert clip_figures(scores[0])[headline] == 1


def test_pooled_figures_are_over_pixels_and_windows_not_means_of_clips() -> None:
    long, short = video(1, 14), video(2, 9)
    clips = [score("long", long, video(3, 14)), score("short", short, short)]
    figures = pool(clips)
    each = [clip_figures(clip) for clip in clips]
    windows = np.concatenate([clip.arrays["vc8"] for clip in clips])
    assert len(windows) == 6 + 1
    assert figures["mvc8"] == pytest.approx(windows.mean())
    hits = int((long == video(3, 14)).sum()) + short.size
    assert figures["pixel_accuracy"] == pytest.approx(hits / (long.size + short.size))
    assert figures["miou_clip_mean"] == pytest.approx((each[0]["miou"] + each[1]["miou"]) / 2)
    assert figures["miou_clip_std"] == pytest.approx(abs(each[0]["miou"] - each[1]["miou"]) / math.sqrt(2))
    assert figures["miou"] != pytest.approx(figures["miou_clip_mean"])
    assert math.isnan(float(figures["mvc16"] or 0))


def test_order_of_clips_does_not_matter() -> None:
    clips = [score(str(seed), video(seed, 8 + seed), video(seed + 10, 8 + seed)) for seed in range(4)]
    assert pool(clips) == pytest.approx(pool(clips[::-1]), nan_ok=True)


def test_scores_survive_the_disk(tmp_path: Path) -> None:
    clips = [score("a b/c ü", video(1, 12), video(2, 12)), score("short", video(3, 6), video(4, 6))]
    path = tmp_path / "new" / "row.npz"
    save_clips(path, clips)
    again = load_clips(path)
    assert [(clip.clip, clip.protocol, clip.frames) for clip in again] == [
        ("a b/c ü", "vspw", 12),
        ("short", "vspw", 6),
    ]
    assert all(pool([new]) == pytest.approx(pool([old]), nan_ok=True) for new, old in zip(again, clips, strict=True))
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["row.npz"] and path.stat().st_size < 20_000


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 torn"])
def test_other_files_are_no_scores(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "row.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"row\.npz"):
        load_clips(path)
    np.save(tmp_path / "array.npy", np.zeros(3))
    np.savez(tmp_path / "other.npz", clips=np.array(["a"]), protocols=np.array(["vspw"]), frames=np.array([1, 2]))
    for name in ("array.npy", "other.npz", "missing.npz"):
        with pytest.raises(InputError, match=name):
            load_clips(tmp_path / name)


def test_frames_without_truth_need_no_prediction() -> None:
    truth = video(4, 3)
    labels: list[LabelMap | None] = [truth[0], None, truth[2]]
    asked: list[int] = []

    def predict(index: int) -> LabelMap:
        asked.append(index)
        return truth[index]

    scores = score_clip(ArrayClip("a", labels), predict, get_protocol("vspw"))
    assert (asked, scores.frames) == ([0, 2], 2)


def test_sparse_masks_of_long_videos() -> None:
    thing = np.zeros((20, 20), np.uint8)
    thing[5:15, 5:15] = 255
    labels: list[LabelMap | None] = [thing, None, thing, None, thing]
    predictions = [thing, thing, thing, thing, np.zeros_like(thing)]
    scores = score_clip(
        ArrayClip("a", labels), predictions.__getitem__, get_protocol("clvos"), allow_unlabelled=False
    )
    assert scores.arrays["j"].tolist() == [[1.0, 0.0]]


def test_unlabelled_pixels_of_one_object_are_background() -> None:
    thing = np.zeros((20, 20), np.uint8)
    thing[5:15, 5:15] = 1
    prediction = thing.copy()
    prediction[0] = VOID
    scores = score("a", np.stack([thing] * 3), np.stack([prediction] * 3), "davis-2016")
    assert scores.arrays["j"].tolist() == [[1.0]]


# What is refused


def test_prediction_of_no_class() -> None:
    truth = video(1)
    prediction = truth.copy()
    prediction[3, 0, 0] = 200
    with pytest.raises(InputError, match=r"clip 'a', frame 00000003: the prediction holds id 200; expected 0\.\.123"):
        score("a", truth, prediction)


def test_truth_of_another_protocol() -> None:
    with pytest.raises(InputError, match=r"frame 00000000: the ground truth holds id 11; expected 0\.\.10 or 255"):
        score("a", video(1) + 11, video(1), "camvid-11")


def test_unlabelled_pixels_are_refused_from_outside_unless_allowed(tmp_path: Path) -> None:
    truth = video(1)
    prediction = truth.copy()
    prediction[2, :4] = VOID
    write_masks(tmp_path / "a", prediction)
    dataset = ArrayDataSet({"a": list(truth)})
    with pytest.raises(InputError, match=r"clip 'a', frame 00000002: the prediction holds id 255; expected 0\.\.123"):
        score_folder(dataset, tmp_path, get_protocol("vspw"))
    _, figures = score_folder(dataset, tmp_path, get_protocol("vspw"), allow_unlabelled=True)
    assert figures["pixel_accuracy"] == pytest.approx(1 - 4 * 16 / truth.size)


def test_no_truth_at_all() -> None:
    clip = ArrayClip("a", [np.zeros((2, 2), np.uint8)])
    clip.labels = lambda index: None
    with pytest.raises(InputError, match="clip 'a': no frame has ground truth"):
        score_clip(clip, lambda index: np.zeros((2, 2), np.uint8), get_protocol("vspw"))


def test_prediction_in_memory_of_another_size() -> None:
    with pytest.raises(InputError, match=r"frame 00000000: the prediction is 16 x 6 pixels, the clip 16 x 12"):
        score("a", video(1), video(1)[:, :6])


def test_missing_predictions(tmp_path: Path) -> None:
    dataset = ArrayDataSet({"a": list(video(1)), "b": list(video(2))})
    write_masks(tmp_path / "a", video(1))
    with pytest.raises(InputError, match="no folder of predictions for 1 of 2 clips, the first is 'b'"):
        score_folder(dataset, tmp_path, get_protocol("vspw"))
    write_masks(tmp_path / "b", video(2)[:-1])
    with pytest.raises(InputError, match=r"clip 'b': the prediction .*00000009\.png is missing"):
        score_folder(dataset, tmp_path, get_protocol("vspw"))


def test_predictions_that_are_no_masks_of_the_frame(tmp_path: Path) -> None:
    truth = video(1)
    write_masks(tmp_path / "a", truth)
    path = tmp_path / "a" / "00000004.png"
    Image.fromarray(truth[4, :, :8]).save(path)
    with pytest.raises(InputError, match=r"00000004\.png is 8 x 12 pixels, the frames 16 x 12"):
        score_folder(ArrayDataSet({"a": list(truth)}), tmp_path, get_protocol("vspw"))
    Image.fromarray(truth[4]).convert("RGB").save(path)
    with pytest.raises(InputError, match=r"clip 'a', predictions: mask 00000004\.png is a colour image"):
        score_folder(ArrayDataSet({"a": list(truth)}), tmp_path, get_protocol("vspw"))


def test_more_objects_than_the_first_frame_has() -> None:
    thing = np.ones((4, 4), np.uint8)
    with pytest.raises(
        InputError, match=r"frame 00000001: the prediction holds id 2; the clip has the objects 1\.\.1"
    ):
        score("a", np.stack([thing] * 3), np.stack([thing, thing * 2, thing]), "davis-2017")
    with pytest.raises(InputError, match="frame 00000000: the first mask has no object"):
        score("a", np.stack([thing * 0] * 3), np.stack([thing] * 3), "davis-2017")


def test_protocols_by_name() -> None:
    assert get_protocol("vspw", 12).classes == 12
    with pytest.raises(
        InputError, match=r"there is no protocol 'vpsw'; did you mean 'vspw'\?; known: vspw, camvid-11, "
    ):
        get_protocol("vpsw")
    with pytest.raises(InputError, match="'camvid-11' has 11 classes, not 12"):
        get_protocol("camvid-11", 12)
    with pytest.raises(InputError, match="256 classes"):
        get_protocol("vspw", 256)


def test_clips_that_do_not_belong_together() -> None:
    with pytest.raises(InputError, match="no clips"):
        pool([])
    with pytest.raises(InputError, match="camvid-11, vspw"):
        pool([score("a", video(1), video(1)), score("b", video(1), video(1), "camvid-11")])


def test_written_results(tmp_path: Path) -> None:
    clips = [score("a", video(1, 10), video(2, 10)), score("b", video(3, 5), video(4, 5))]
    path = tmp_path / "out" / "scores.json"
    write_scores(path, pool(clips), clips)
    pooled = json.loads(path.read_text())
    assert pooled["miou"] == pool(clips)["miou"]
    assert pooled["mvc16"] is None
    table = pd.read_csv(path.with_suffix(".csv"), index_col="clip")
    assert table.loc["a", "miou"] == pytest.approx(clip_figures(clips[0])["miou"])
    assert table["frames"].tolist() == [10, 5]
    assert table["mvc8"].isna().tolist() == [False, True]
    assert sorted(each.name for each in path.parent.iterdir()) == ["scores.csv", "scores.json"]
    with pytest.raises(InputError, match=r"\.json"):
        write_scores(tmp_path / "scores.csv", pool(clips), clips)
