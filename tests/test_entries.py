"""Entries of other systems: what a folder of predictions says of itself, and what is refused."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from miniatures import write_vspw
from test_config import shipped
from zeroshot_vss.__main__ import main
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.entries.folder import check_folder, label_maps, read_checked
from zeroshot_vss.entries.index import FILE, Purpose, read_index
from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.check_predictions import PredictionsJob
from zeroshot_vss.stages.check_predictions import run as run_check
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.targets import Target, write_record

PURPOSE = Purpose(where="the row", names=("v", "vspw"), split="val", protocol="vspw")
ARGUMENTS = ("--model", "DVIS", "--data-set", "vspw", "--protocol", "vspw")


def command(monkeypatch: pytest.MonkeyPatch, *args: object) -> None:
    monkeypatch.setattr(sys, "argv", ["zeroshot_vss", *map(str, args)])
    main()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Predictions of a VSPW of two clips, which lies beside them, with their index."""
    rng = np.random.default_rng(0)
    for clip in write_vspw(tmp_path / "data", clips=2, frames=3, rng=rng):
        (tmp_path / "dvis" / clip).mkdir(parents=True)
        for mask in (tmp_path / "data" / "VSPW_480p" / "data" / clip / "mask").iterdir():
            with Image.open(mask) as picture:
                ids = rng.integers(0, 124, np.asarray(picture).shape, np.uint8)
            Image.fromarray(ids).save(tmp_path / "dvis" / clip / mask.name)
    command(monkeypatch, "index", tmp_path / "dvis", *ARGUMENTS, "--paper", "a paper", "--metric", "miou=0.5")
    return tmp_path / "dvis"


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_index_says_whose_and_what(folder: Path) -> None:
    values = yaml.safe_load((folder / FILE).read_text())
    (model,) = values["model-index"]
    (result,) = model["results"]
    assert (model["name"], values["paper"], "license" in values) == ("DVIS", "a paper", False)
    assert result["dataset"] == {"name": "vspw", "protocol": "vspw"}
    assert result["metrics"] == [{"type": "miou", "value": 0.5}]
    assert values["files"] == {str(path.relative_to(folder)): sha(path) for path in sorted(folder.rglob("*.png"))}
    checked = check_folder(folder, PURPOSE)
    lines = [f"{sha(path)}  {path.relative_to(folder)}\n" for path in sorted(folder.rglob("*.png"))]
    assert checked.digest == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert checked.index is not None and checked.index.name == "DVIS" and len(checked.files) == 6


def first(folder: Path) -> Path:
    return sorted(folder.rglob("*.png"))[0]


def test_a_changed_file_is_named_with_both_digests(folder: Path) -> None:
    path = first(folder)
    stored, status = sha(path), path.stat()
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))  # times and size are what they were
    with pytest.raises(InputError) as caught:
        check_folder(folder, PURPOSE)
    said = str(caught.value)
    assert said.startswith(f"{path} was changed") and stored in said and sha(path) in said
    assert "index them again" in said and "further" not in said


def test_missing_and_extra_files_are_named(folder: Path) -> None:
    path = first(folder)
    content, stored = path.read_bytes(), sha(path)
    path.unlink()
    with pytest.raises(InputError, match=f"{path} is missing: SHA-256 in {FILE} {stored}, present none; put it back"):
        check_folder(folder, PURPOSE)
    path.write_bytes(content)
    extra = path.parent / "0.png"
    extra.write_bytes(content)
    with pytest.raises(InputError, match=rf"{extra} is not in the index: .* none, present {stored}; remove it"):
        check_folder(folder, PURPOSE)
    sorted(folder.rglob("*.png"))[-1].unlink()
    with pytest.raises(InputError, match="1 further files differ"):
        check_folder(folder, PURPOSE)


def test_other_files_are_nobodys_business(folder: Path) -> None:
    """As the scores that `score` writes there."""
    (folder / "scores.json").write_text("{}")
    assert check_folder(folder, PURPOSE).index is not None


def test_folders_that_are_links_are_read_and_loops_end(folder: Path, tmp_path: Path) -> None:
    known = label_maps(folder)
    clip = first(folder).parent
    clip.rename(tmp_path / "elsewhere")
    clip.symlink_to(tmp_path / "elsewhere")
    (folder / "loop").symlink_to(folder)
    assert label_maps(folder).keys() == known.keys() and check_folder(folder, PURPOSE).index is not None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"names": ("camvid",)}, "for data set 'vspw', but the row scores data set 'camvid'.*--data-set camvid"),
        ({"protocol": "camvid-11"}, "for protocol 'vspw', but the row scores protocol 'camvid-11'"),
    ],
)
def test_another_data_set_or_protocol_is_refused(folder: Path, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_folder(folder, PURPOSE.model_copy(update=changed))


def test_another_split_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command(monkeypatch, "index", folder, *ARGUMENTS, "--split", "test")
    with pytest.raises(InputError, match=r"for split 'test', but the row scores split 'val'.*--split val"):
        check_folder(folder, PURPOSE)
    assert check_folder(folder, PURPOSE.model_copy(update={"split": None})).index is not None


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        values = yaml.safe_load(text)
        change(values)
        return yaml.safe_dump(values)

    return edit


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "no YAML": (lambda text: "a: [", r"cannot be read \(.*; write it with `python -m zeroshot_vss index"),
    "a key twice": (lambda text: text + "paper: another\n", "the key 'paper' stands twice"),
    "a file twice": (lambda text: text + text.splitlines()[-1] + "\n", "stands twice"),
    "a list": (lambda text: "- 1\n", "Input should be a valid dictionary"),
    "nothing": (lambda text: "", "Input should be a valid dictionary"),
    "an unknown key": (lambda text: text + "licence: MIT\n", "licence: unknown key; did you mean 'license'"),
    "an unknown protocol": (
        edited(lambda v: v["model-index"][0]["results"][0]["dataset"].update(protocol="vspv")), "mean 'vspw'"
    ),
    "no model": (edited(lambda v: v.update({"model-index": []})), "model-index: .*at least 1 item"),
    "two models": (edited(lambda v: v["model-index"].append(v["model-index"][0])), "at most 1 item"),
    "a name that is a number": (edited(lambda v: v["model-index"][0].update(name=7)), "name: .*valid string.*7"),
    "no files": (edited(lambda v: v.update(files={})), "files: .*at least 1 item"),
    "a short digest": (edited(lambda v: v["files"].update({"a/b.png": "abc"})), "a/b.png: .*should match pattern"),
    "a file elsewhere": (edited(lambda v: v["files"].update({"../b.png": "0" * 64})), "no label map of the folder"),
    "a file of the root": (edited(lambda v: v["files"].update({"/b.png": "0" * 64})), "no label map of the folder"),
    "a figure that is none": (
        edited(lambda v: v["model-index"][0]["results"][0]["metrics"][0].update(value=".nan?")), "metrics.0.value"
    ),
    "too deep": (lambda text: "[" * 5000, "cannot be read"),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_a_bad_index_is_named(folder: Path, what: str) -> None:
    edit, said = BAD[what]
    path = folder / FILE
    path.write_text(edit(path.read_text()))
    with pytest.raises(InputError, match=said) as caught:
        read_index(folder)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_what_cannot_be_indexed(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    for name, more, said in (
        ("empty", (), "holds no PNG"),
        ("nowhere", (), "nowhere cannot be read .*name a folder"),
        ("dvis", ("--metric", "miou"), "--metric is 'miou'; expected a name and a number"),
    ):
        with pytest.raises(SystemExit, match=said):
            command(monkeypatch, "index", tmp_path / name, *ARGUMENTS, *more)
    Image.fromarray(np.zeros((3, 4, 3), np.uint8)).save(first(folder))
    with pytest.raises(SystemExit, match="is a colour image"):
        command(monkeypatch, "index", folder, *ARGUMENTS)


# In the workflow


def planned(folder: Path, **dataset: Any) -> Plan:
    values: dict[str, Any] = {
        "datasets": {"v": {"kind": "vspw", "title": "V", "protocol": "vspw", **dataset}},
        "methods": {"dvis": {"predictions": {"v": str(folder)}}},
        "tables": {"table1": {"datasets": ["v"], "methods": ["first-frame", "dvis"]}},
    }
    values["datasets"]["v"]["options"] = {"root": str(folder.parent / "data")}
    return Plan(read_config(merge(shipped(), values)))


def check_job(plan: Plan) -> PredictionsJob:
    job = plan.target("results/predictions/v/dvis.json").job
    assert isinstance(job, PredictionsJob)
    return job


def test_predictions_are_checked_before_they_are_scored(folder: Path) -> None:
    plan = planned(folder)
    job = check_job(plan)
    assert plan.target("results/scores/v/dvis.json").inputs[-1] == "results/predictions/v/dvis.json"
    assert (job.purpose.names, job.purpose.split, job.purpose.protocol) == (("v", "vspw"), "val", "vspw")
    job = job.model_copy(update={"checked": str(folder.parent / "results" / "found.json")})
    run_check(job)
    found = read_checked(Path(job.checked))
    assert found.index is not None and found.index.result.metrics[0].value == 0.5 and len(found.files) == 6
    write_record(job)
    assert Target(job).changed() is None
    os.utime(first(folder))
    assert Target(job).changed() is None
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(first(folder))
    assert Target(job).changed() == "the data that it was made from is not what it was"
    with pytest.raises(InputError, match="was changed after it was indexed"):
        run_check(job)
    (folder / FILE).unlink()
    assert check_job(planned(folder)).key() != check_job(plan).key()
    run_check(job)
    assert read_checked(Path(job.checked)).index is None


def test_the_wrong_predictions_are_found_before_any_job(folder: Path) -> None:
    with pytest.raises(InputError, match=r"methods: dvis: predictions: v scores protocol 'camvid-32'"):
        planned(folder, protocol="camvid-32").target("results/table1.csv")


def test_damaged_findings_are_named(tmp_path: Path) -> None:
    (tmp_path / "found.json").write_text('{"folder": "a"}')
    for name in ("found.json", "missing.json"):
        with pytest.raises(InputError, match=f"{name} holds no checked predictions"):
            read_checked(tmp_path / name)


def test_score_says_whether_predictions_are_verified(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ("score", "--dataset", "vspw", "--root", folder.parent / "data", "--predictions", folder)
    command(monkeypatch, *arguments)
    assert "predictions: DVIS, as indexed" in capsys.readouterr().out
    assert json.loads((folder / "scores.json").read_text())["frames"] == 6
    extra = first(folder).with_name("0.png")
    extra.write_bytes(first(folder).read_bytes())
    with pytest.raises(SystemExit, match=r"0\.png is not in the index"):
        command(monkeypatch, *arguments)
    (folder / FILE).unlink()
    command(monkeypatch, *arguments)
    assert "predictions: unverified" in capsys.readouterr().out
