"""Paths as users write them: `~` and environment variables wherever a path is configured or typed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
import yaml

from miniatures import write_frames, write_mask
from small_models import save_embedded
from test_config import shipped
from zeroshot_vss.__main__ import parser
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.console.command import path_argument
from zeroshot_vss.console.request import names_of
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.places import full_path
from zeroshot_vss.preflight.models import backbone_status
from zeroshot_vss.workflow.plan import Plan


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder with frames, and a mask of the first of them."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DATA", "films")
    monkeypatch.delenv("NOWHERE", raising=False)
    (tmp_path / "films").mkdir()
    write_frames(tmp_path / "films" / "swan", "0.png", "1.png")
    write_mask(tmp_path / "masks", "0.png", [[0] * 8] * 3 + [[1] * 8] * 3)
    return tmp_path


@pytest.mark.parametrize("written", ["~/films/swan", "$HOME/films/swan", "${HOME}/$DATA/swan", "~/${DATA}/swan"])
def test_what_stands_for_what(home: Path, written: str) -> None:
    assert full_path(written) == full_path(Path(written)) == path_argument(written) == home / "films" / "swan"


def test_what_is_not_set_is_named(home: Path) -> None:
    with pytest.raises(
        InputError, match=r"clip 'a': \$HOME/\$\{NOWHERE\}/x: the environment does not set \$NOWHERE;"
    ):
        full_path("$HOME/${NOWHERE}/x", "clip 'a'")
    with pytest.raises(argparse.ArgumentTypeError, match=r"the environment does not set \$NOWHERE"):
        path_argument("$NOWHERE")
    assert full_path("5$") == Path("5$"), "no variable"


def test_the_clips_of_a_user(home: Path) -> None:
    written = {"path": "$HOME/films/swan", "mask": "$HOME/masks/0.png"}
    dataset = open_dataset("user", {"clips": {"swan": written, "plain": "~/$DATA/swan"}})
    assert len(dataset.clip("swan")) == len(dataset.clip("plain")) == 2 and dataset.clip("swan").annotated() == 1
    with pytest.raises(InputError, match=r"clip 'x': \$NOWHERE/x: the environment does not set \$NOWHERE"):
        open_dataset("user", {"clips": {"x": "$NOWHERE/x"}})
    (home / "names.yaml").write_text(yaml.safe_dump({"1": "swan"}))
    config = read_config(merge(shipped(), {"clips": {"swan": {"path": "x", "names": "$HOME/names.yaml"}}}))
    assert config.clips["swan"].label_names("swan") == {1: "swan"} and names_of("$HOME/names.yaml") == {"1": "swan"}


def test_folders_of_weights(home: Path) -> None:
    save_embedded(home / "models" / "mine")
    mine: dict[str, Any] = {"title": "mine", "path": "$HOME/models/mine"}
    gone: dict[str, Any] = {"title": "gone", "path": "$NOWHERE/mine", "download": True}
    config = read_config(merge(shipped(), {"backbones": {"mine": mine, "gone": gone}}))
    found, missing = (backbone_status(config.backbones[name].spec(name), "") for name in ("mine", "gone"))
    assert found.missing is None and found.files is not None and found.files.folder == home / "models" / "mine"
    assert missing.missing is not None and "'gone': $NOWHERE/mine: the environment does not set" in missing.missing
    plan = Plan(config)
    assert plan.stages.model("mine")["backbone"].path == "$HOME/models/mine", "results do not depend on where it lies"
    with pytest.raises(InputError, match=r"backbone 'gone': \$NOWHERE/mine"):
        plan.stages.model("gone")


@pytest.mark.parametrize(
    ("words", "argument", "expected"),
    [
        (["segment", "$HOME/x.mp4"], "video", "x.mp4"),
        (["segment", "x.mp4", "--mask", "~/m.png"], "mask", "m.png"),
        (["check", "--results", "$HOME/r"], "results", "r"),
        (["score", "--dataset", "vspw", "--predictions", "$HOME/p"], "predictions", "p"),
    ],
)
def test_the_command_line(home: Path, words: list[str], argument: str, expected: str) -> None:
    assert getattr(parser().parse_args(words), argument) == home / expected
