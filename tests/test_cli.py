"""The command line: figures, files, and errors as one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from miniatures import VSPW_IDS, write_davis, write_vspw
from zeroshot_vss.__main__ import main
from zeroshot_vss.datasets import DATASETS
from zeroshot_vss.metrics.protocols import PROTOCOLS
from zeroshot_vss.workflow.run import one_line_errors


@pytest.fixture
def vspw(tmp_path: Path) -> Path:
    """A VSPW of two clips, with perfect predictions in `predictions` beside it."""
    names = write_vspw(tmp_path / "data", clips=2, frames=9, rng=np.random.default_rng(0))
    for name in names:
        (tmp_path / "predictions" / name).mkdir(parents=True)
        for path in sorted((tmp_path / "data" / "VSPW_480p" / "data" / name / "mask").iterdir()):
            stored = np.asarray(Image.open(path))
            # Classes are the stored number - 1; any class will do where the truth is void.
            labels = np.where(np.isin(stored, [0, 255]), 18, stored.astype(int) - 1).astype(np.uint8)
            Image.fromarray(labels).save(tmp_path / "predictions" / name / path.name)
    return tmp_path


def arguments(folder: Path) -> list[str]:
    return [
        "score",
        "--dataset",
        "vspw",
        "--root",
        str(folder / "data"),
        "--predictions",
        str(folder / "predictions"),
    ]


def run(monkeypatch: pytest.MonkeyPatch, *args: str) -> None:
    """The command in this process."""
    monkeypatch.setattr(sys, "argv", ["zeroshot_vss", *args])
    main()


def test_perfect_predictions_have_perfect_figures(vspw: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "zeroshot_vss", *arguments(vspw)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    scores = json.loads((vspw / "predictions" / "scores.json").read_text())
    assert (scores["protocol"], scores["clips"], scores["frames"]) == ("vspw", 2, 18)
    assert (scores["miou"], scores["pixel_accuracy"], scores["mvc8"], scores["mvc16"]) == (1, 1, 1, None)
    assert "miou" in done.stdout and "1.000000" in done.stdout and "scores.json" in done.stdout
    clips = pd.read_csv(vspw / "predictions" / "scores.csv")
    assert list(clips["clip"]) == ["3_miniature", "4_miniature"] and list(clips["miou"]) == [1, 1]


def test_a_wrong_pixel_counts_and_the_output_can_be_chosen(vspw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = next((vspw / "predictions" / "3_miniature").iterdir())
    labels = np.array(Image.open(path))
    labels[2:, :] = VSPW_IDS[0]  # the number as it is stored, which is another class
    Image.fromarray(labels).save(path)
    run(monkeypatch, *arguments(vspw), "--output", str(vspw / "new" / "here.json"), "--limit", "1")
    scores = json.loads((vspw / "new" / "here.json").read_text())
    # A frame of nine lost all of its pixels.
    assert (scores["clips"], scores["frames"]) == (1, 9)
    assert scores["pixel_accuracy"] == pytest.approx(8 / 9)
    assert (vspw / "new" / "here.csv").is_file() and not (vspw / "predictions" / "scores.json").exists()


def test_errors_are_one_line(vspw: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    next((vspw / "predictions" / "4_miniature").iterdir()).unlink()
    done = subprocess.run(
        [sys.executable, "-m", "zeroshot_vss", *arguments(vspw)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.startswith("error: clip '4_miniature': the prediction ") and done.stderr.count("\n") == 1
    shutil.rmtree(vspw / "predictions" / "4_miniature")
    with pytest.raises(SystemExit, match=r"error: .*no folder of predictions for 1 of 2 clips"):
        run(monkeypatch, *arguments(vspw))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--root", "/no/where"], "error: data set 'vspw': there is no folder /no/where"),
        (["--split", "nothing"], "error: data set 'vspw': option 'split' is 'nothing'"),
        (["--protocol", "camvid-11"], "error: clip '3_miniature', frame 00000004: .* 18"),
        (["--year", "2016"], "error: data set 'vspw': option 'year' is not known"),
        (["--limit", "0"], "error: data set 'vspw': option 'limit' is 0"),
        (["--output", "scores.txt"], "error: scores.txt: scores are written to a .json file"),
    ],
)
def test_wrong_arguments_are_named(
    vspw: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], message: str
) -> None:
    with pytest.raises(SystemExit, match=message):
        run(monkeypatch, *arguments(vspw), *args)


@pytest.mark.parametrize(("year", "protocol"), [(None, "davis-2017"), (2016, "davis-2016")])
def test_the_year_of_davis_chooses_its_protocol(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, year: int | None, protocol: str
) -> None:
    write_davis(tmp_path, ["bear"], rng=np.random.default_rng(0), year=year or 2017)
    chosen = [] if year is None else ["--year", str(year)]
    masks = tmp_path / "DAVIS" / "Annotations" / "480p"
    run(monkeypatch, "score", "--dataset", "davis", "--root", str(tmp_path), "--predictions", str(masks), *chosen)
    scores = json.loads((masks / "scores.json").read_text())
    assert (scores["protocol"], scores["j_and_f"]) == (protocol, 1)


def test_every_data_set_with_labels_has_a_protocol() -> None:
    chosen = {name: DATASETS.load(name).protocol for name in set(DATASETS) - {"user", "davis"}}
    assert set(chosen.values()) <= set(PROTOCOLS) and DATASETS.load("user").protocol is None


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "score"),
        (["paint"], "invalid choice: 'paint'"),
        (["score", "--dataset", "kitti", "--predictions", "x"], "invalid choice: 'kitti'"),
        (["score", "--dataset", "vspw"], "--predictions"),
        (["score", "--dataset", "vspw", "--predictions", "x", "--limit", "two"], "invalid int value: 'two'"),
    ],
)
def test_wrong_usage_exits_with_two(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        run(monkeypatch, *args)
    assert caught.value.code == 2 and message in capsys.readouterr().err


def test_memory_that_runs_out_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def full_gpu() -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore words")

    def full_machine() -> None:
        raise MemoryError

    said = "the GPU is out of memory (CUDA out of memory. Tried to allocate 2 GiB); set compute.frames_at_once"
    for work, named in ((full_gpu, said), (full_machine, "this machine is out of memory")):
        with pytest.raises(SystemExit) as caught:
            one_line_errors(work)
        assert str(caught.value).startswith(f"error: {named}") and "\n" not in str(caught.value)
        assert "finished clips are kept" in str(caught.value)
    with pytest.raises(RuntimeError, match="a mistake"):
        one_line_errors(lambda: (_ for _ in ()).throw(RuntimeError("a mistake")))
