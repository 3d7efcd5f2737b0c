"""The console script on a generated video with a small random model: one command, names, a mask, errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from miniatures import moving_shapes
from small_models import save_embedded
from workflow_copy import copy_workflow, environment
from zeroshot_vss.__main__ import main
from zeroshot_vss.clips.confidence import agreement
from zeroshot_vss.console import segment
from zeroshot_vss.console.quiet import show
from zeroshot_vss.console.request import Request, names_of
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.progress import Done
from zeroshot_vss.io.video import VideoClip, VideoWriter
from zeroshot_vss.player.page import read_player
from zeroshot_vss.workflow import home

FRAMES, SIZE = 4, (66, 90)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workflow, a model, a film of four frames and a mask of its first one."""
    folder = tmp_path_factory.mktemp("console")
    copy_workflow(folder / "work")
    save_embedded(folder / "model")
    frames, labels = moving_shapes(FRAMES, SIZE, np.random.default_rng(0))
    with VideoWriter(folder / "my film.mp4", 12) as writer:
        writer.write(frames)
    Image.fromarray(labels[0]).save(folder / "frame0.png")
    few = {"initialisations": 1, "batches": {"size": 2}}
    small = {
        "title": "small",
        "path": str(folder / "model"),
        "settings": {"sampling": {"guidance": 1.0}, "context": few},
    }
    values = {
        "compute": {"device": "cpu", "threads": 1, "memory": 0.25},
        "backbones": {"small": small},
        "user_clips": {"method": "ours-nearest", "backbone": "small"},
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(values))
    return folder


def console(base: Path, *args: str) -> subprocess.CompletedProcess[str]:
    call = [sys.executable, "-m", "zeroshot_vss", *args, "--configfile", "small.yaml"]
    return subprocess.run(call, cwd=base, env=environment(base / "work"), text=True, check=False, capture_output=True)


def test_one_command_then_names_then_a_mask(base: Path) -> None:
    done = console(base, "segment", "my film.mp4", "--clusters", "5", "--cores", "1")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "my-film-segmented/overlay.mp4", "my-film-segmented/player.html", "my-film-segmented/labels/",
    ]  # fmt: skip
    out = base / "my-film-segmented"
    assert len(VideoClip("x", out / "overlay.mp4")) == FRAMES and len(list((out / "labels").iterdir())) == FRAMES
    # Progress is told, frame by frame, and nothing of Snakemake's.
    assert f"overlay of my-film: {FRAMES} of {FRAMES}" in done.stderr and "rule" not in done.stderr
    before = read_player(out / "player.html")
    assert [label["name"] for label in before["labels"]] == [f"cluster {label}" for label in range(5)]
    stored = np.unique([np.asarray(Image.open(path)) for path in (out / "labels").iterdir()])
    assert stored.tolist() == [0, 1, 2, 3, 4]

    # Names afterwards: what the player saves merges clusters, and no model runs.
    (base / "names.json").write_text(json.dumps({"0": "ground", "3": "ground", "1": "box"}))
    done = console(base, "segment", "my film.mp4", "--clusters", "5", "--names", "names.json", "--cores", "1")
    assert done.returncode == 0, done.stderr
    titles = {step.title for line in done.stderr.splitlines() if (step := Done.read(line))}
    assert titles == {"overlay of my-film", "player of my-film"}
    result = read_player(out / "player.html")
    assert {label["id"]: label["name"] for label in result["labels"]} == {
        0: "ground", 1: "box", 2: "cluster 2", 4: "cluster 4",
    }  # fmt: skip

    # A mask: the labels are its own, and the features are those of before.
    features = [path.stat().st_mtime_ns for path in (base / "work/results/features").rglob("*.h5")]
    args = ("--mask", "frame0.png", "--names", "2=box,3=disc", "--out", "masked", "--cores", "1")
    done = console(base, "segment", "my film.mp4", "--clusters", "5", *args)
    assert done.returncode == 0, done.stderr
    assert [path.stat().st_mtime_ns for path in (base / "work/results/features").rglob("*.h5")] == features
    names = {label["id"]: label["name"] for label in read_player(base / "masked" / "player.html")["labels"]}
    assert set(names.items()) <= {(0, "background"), (1, "label 1"), (2, "box"), (3, "disc")}


@pytest.mark.parametrize(
    ("args", "changes", "message"),
    [
        (("segment", "gone.mp4"), {}, "error: there is no video or folder of frames gone.mp4"),
        (("segment", "small.yaml"), {}, "error: clip 'small': small.yaml "),
        (("segment", "my film.mp4", "--clusters", "many"), {}, "error: --clusters is 'many'; expected a number or"),
        (("segment", "my film.mp4", "--names", "swan"), {}, "error: names: 'swan' has no '='; expected"),
        (("segment", "my film.mp4", "--mask", "none.png"), {}, "error: there is no mask none.png"),
        (("segment", "my film.mp4", "--fast", "--method", "ours"), {}, "error: --fast is method label-propagation"),
        (("segment", "my film.mp4", "--method", "our"), {}, "error: config: user_clips.method: 'our' is not"),
        (("run", "results/clips/swan/overlay.mp4"), {}, "error: the configuration has no clip 'swan'; it has: none"),
        (("run", "results/tabel1.csv"), {}, "error: the configuration has no table 'tabel1'; did you mean 'table1'?"),
        (("segment", "my film.mp4"), {"compute": {"device": "gpu"}}, "error: config: compute.device: "),
        (("segment", "my film.mp4"), {"user_clips": {"method": "tmanet"}}, "error: user_clips: method: 'tmanet' is"),
        (("segment", "my film.mp4"), {"user_clips": {"method": "first-frame"}}, "error: user_clips: method: 'first"),
        (("segment", "my film.mp4"), {"compute": {"device": "cuda"}}, "error: compute.device is 'cuda', but PyTorch"),
    ],
    ids=lambda value: None if isinstance(value, dict) else str(value)[:30],
)  # fmt: skip
def test_what_is_wrong_is_said_in_one_line(
    base: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], changes: Any, message: str
) -> None:
    if "cuda" in str(changes) and torch.cuda.is_available():
        pytest.skip("there is a GPU here")
    (base / "more.yaml").write_text(yaml.safe_dump(changes))
    for module in (home, segment):
        monkeypatch.setattr(module, "find_home", lambda: base / "work")
    monkeypatch.setenv("PYTHONPATH", str(base / "work" / "src"))
    monkeypatch.chdir(base)
    monkeypatch.setattr(sys, "argv", ["zeroshot-vss", *args, "--configfile", "small.yaml", "more.yaml"])
    with pytest.raises(SystemExit) as caught:
        main()
    said = str(caught.value.code)
    assert said.startswith(message) and "\n" not in said


def test_progress_lines_are_read_back() -> None:
    for step in (Done("label maps of x: y", 3, 14, 75.0), Done("a", 14, 14, 0.0), Done("a", 0, 2, None)):
        assert Done.read(step.line()) == step
    assert Done("a", 1, 9, 3725.0).line() == "a: 1 of 9, 1:02:05 left"
    for line in ("label maps: x", "a: 3 of", "error: clip 'x' has 3 of 4 frames"):
        assert Done.read(line) is None


def test_other_lines_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    assert show(["a: 1 of 2, 0:03 left\n", "error: no\n", "a: 2 of 2, 0:00 left\n"]) == ["error: no"]
    assert "a: 2 of 2" in capfd.readouterr().err


def test_a_request_is_a_configuration(tmp_path: Path) -> None:
    alone, masked = Request(tmp_path / "a.mp4"), Request(tmp_path / "a.mp4", mask=tmp_path / "0.png")
    assert alone.config()["clips"]["a"]["clusters"] == 8 and "clusters" not in masked.config()["clips"]["a"]
    assert Request(tmp_path / "a.mp4", adapt=True).config()["user_clips"]["adapt"] is True
    result = Request(tmp_path / "my film?.mp4", names={"1": "swan"}, clusters="auto", fast=True)
    assert result.clip == "my-film"
    assert result.config()["clips"] == {
        "my-film": {"path": str(tmp_path / "my film?.mp4"), "clusters": "auto", "names": {"1": "swan"}}
    }
    assert result.config()["user_clips"] == {"method": "label-propagation-128", "side_by_side": False}
    with pytest.raises(InputError, match="there is no video or folder of frames"):
        result.check()
    assert names_of(None) == {} and names_of("1=swan") == {"1": "swan"}


def test_agreement_by_a_literal_count() -> None:
    maps = np.random.default_rng(0).integers(0, 3, (3, 7, 8)).astype(np.uint8)
    actual = agreement(maps, 3)
    for frame, y, x in ((0, 0, 0), (1, 3, 4), (2, 6, 7), (1, 0, 5)):
        near = maps[max(frame - 1, 0) : frame + 2, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2]
        assert actual[frame, y, x] == pytest.approx((near == maps[frame, y, x]).mean(), abs=1e-6)
    assert (agreement(np.zeros((2, 4, 4), np.uint8)) == 1).all()
