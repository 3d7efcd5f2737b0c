"""`python -m zeroshot_vss explain`: what results say of their origin."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from zeroshot_vss.__main__ import main
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import Cost, cost_path
from zeroshot_vss.io.store import Manifest, add_maps, content_digest, write_clip
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.jobs.baseline import BaselineJob
from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.provenance.code import code_digest
from zeroshot_vss.provenance.versions import versions
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.stages import baseline, check
from zeroshot_vss.workflow.explain import facts_of

CLIPS = ("scene-0000", "scene-0001")
DATA = DataSetSpec(name="own", kind="scenes", options={"split": "train", "count": 2, "frames": 3})
SETTINGS = Baseline(kind="colour", cell=8, clusters=4, initialisations=1, seed=7)
SPELLED = "kind=colour~cell=8"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of two real stages."""
    root = tmp_path_factory.mktemp("explain") / "results"
    checked: Any = {kind: str(root / "checked" / "own" / f"0000.{kind}.json") for kind in ("frames", "masks")}
    check.run(CheckJob(dataset=DATA, clips=CLIPS, **checked))
    modules = ("zeroshot_vss.stages.baseline", "zeroshot_vss.datasets.scenes")
    labelled = str(root / "baselines" / "own" / SPELLED / "0000.json")
    job = BaselineJob(
        dataset=DATA, clips=CLIPS, settings=SETTINGS, **checked, manifest=labelled, modules=modules,
        code=code_digest(*modules),
    )  # fmt: skip
    baseline.run(job)
    return root


@pytest.fixture
def results(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy to damage, in the working directory."""
    shutil.copytree(made, tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return Path("results")


def now_digest() -> str:
    """Of the code that made the labels."""
    return code_digest("zeroshot_vss.stages.baseline", "zeroshot_vss.datasets.scenes")


def folder(results: Path) -> Path:
    return results / "baselines" / "own" / SPELLED


def said(path: Path) -> dict[str, str]:
    """Facts by name; several of one name are joined."""
    facts: dict[str, str] = {}
    for name, value in facts_of(path):
        facts[name] = f"{facts[name]}; {value}" if name in facts else value
    return facts


def test_a_result_says_where_it_comes_from(results: Path) -> None:
    facts = said(folder(results) / "scene-0001.h5")
    assert facts["clip"] == "scene-0001, 3 frames of 192 x 128 pixels"
    assert facts["data set"] == "reader scenes, frames 3, split train"
    assert facts["stage"] == "baseline"
    assert facts["code"] == f"{now_digest()}, as it is now"
    assert (facts["setting seed"], facts["setting cell"], facts["setting batches.size"]) == ("7", "8", "14")
    assert facts["versions"] == ", ".join(f"{name} {number}" for name, number in versions().items())
    digests = {
        path: Manifest.load(results / path).digests["scene-0001"]
        for path in ("checked/own/0000.frames.json", "checked/own/0000.masks.json")
    }
    assert facts["input"] == "; ".join(f"{digest[:16]}  results/{path}" for path, digest in digests.items())
    assert facts["holds"] == "maps: 3 x 128 x 192 uint8" and facts["size"].endswith("KiB")
    assert " s, " in facts["cost"] and facts["cost"].endswith("GiB of memory")
    assert "weights" not in facts and "device" not in facts


def test_a_manifest_says_what_its_results_have_in_common(results: Path) -> None:
    costs = {"scene-0000": Cost(seconds=1.5, host_gib=1), "scene-0001": Cost(seconds=2, host_gib=3, gpu_gib=0.25)}
    for name, cost in costs.items():
        cost_path(folder(results) / f"{name}.h5").write_text(cost.model_dump_json())
    facts = said(folder(results) / "0000.json")
    assert facts["clips"] == "2: scene-0000, scene-0001" and facts["stage"] == "baseline"
    assert facts["setting clusters"] == "4" and "differ" not in facts and "gone" not in facts
    assert facts["cost"] == "3.5 s, 3.00 GiB of memory, 0.25 GiB on the GPU"
    cost_path(folder(results) / "scene-0001.h5").unlink()
    assert said(folder(results) / "0000.json")["cost"] == "1.5 s, 1.00 GiB of memory (1 of 2 clips)"


def test_a_manifest_of_checks(results: Path) -> None:
    facts = said(results / "checked" / "own" / "0000.frames.json")
    assert facts["stage"] == "check" and "digests of frames and annotations" in facts["holds"]


def test_what_has_changed_since_is_said(results: Path) -> None:
    path = folder(results) / "scene-0000.h5"
    with h5py.File(path, "a") as file:
        key = json.loads(file.attrs["key"])  # pyright: ignore
        file.attrs["key"] = json.dumps(key | {"code": "0123456789abcdef"})
    now = now_digest()
    assert said(path)["code"] == f"0123456789abcdef, not as it is now ({now})"
    (folder(results) / "scene-0001.cost.json").unlink()
    assert said(folder(results) / "scene-0001.h5")["cost"] == "not known"
    assert "scene-0001 were made otherwise than scene-0000" in said(folder(results) / "0000.json")["differ"]
    checked = Manifest.load(results / "checked" / "own" / "0000.masks.json")
    Manifest(checked.path, dict.fromkeys(checked.digests, "f" * 64)).write()
    assert "no manifest here has it" in said(path)["input"]
    path.unlink()
    assert "results of scene-0000; delete the manifest" in said(folder(results) / "0000.json")["gone"]


def model_key(**more: Any) -> dict[str, Any]:
    clip = {"clip": "a", "dataset": "vspw", "options": {}, "frames": 2, "size": [4, 6]}
    settings = {"upsampler": "modulation", "sampling": {"seed": 3, "steps": 25}}
    return {"stage": "upsample", "code": "0", "modules": [], "clip": clip, "settings": settings, "inputs": [], **more}


@pytest.mark.parametrize(
    ("more", "device"),
    [
        ({"device": "cuda", "precision": "bfloat16"}, "cuda, bfloat16"),
        ({"device": "cpu"}, "cpu"),
    ],
)
def test_device_precision_and_weights(tmp_path: Path, more: dict[str, Any], device: str) -> None:
    key = model_key(weights="abc", assigned=True, **more)
    write_clip(tmp_path / "a.h5", key, lambda file: file.update({"maps": np.zeros((2, 4, 6), np.uint8)}))
    facts = said(tmp_path / "a.h5")
    assert facts["device"] == device and facts["weights"] == "abc"
    assert facts["setting sampling.seed"] == "3" and facts["assigned"] == "true"


def one_map(file: h5py.File) -> None:
    add_maps(file, "maps", 1, (2, 2), np.uint8)


def test_inputs_are_found_along_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two settings gave the same coarse maps: the one that the path names is named."""
    monkeypatch.chdir(tmp_path)
    # Some settings are called as a stage is.
    stem = Path("own", "model", "features")
    (tmp_path / "results" / "checked").mkdir(parents=True)
    digests = []
    for context in ("a-other", "context"):
        place = Path("results", "coarse", stem, context, "none")
        write_clip(place / "a.h5", model_key(), one_map)
        digests.append(content_digest(place / "a.h5"))
        Manifest(place / "0000.json", {"a": digests[-1]}).write()
    assert digests[0] == digests[1]
    result = Path("results", "maps", stem, "context", "none", "upsampler=nearest", "a.h5")
    write_clip(result, model_key(inputs=digests[:1]), one_map)
    assert said(result)["input"].endswith("results/coarse/own/model/features/context/none/0000.json")


def test_files_that_cannot_be_explained(results: Path) -> None:
    table = results / "table1.csv"
    table.write_text("method\n")
    scores = results / "scores.json"
    scores.write_text('{"miou": 0.5}')
    for path in (table, scores, results, next(folder(results).glob("*.cost.json"))):
        with pytest.raises(InputError, match=r"is neither a result \(\.h5\) nor a manifest \(\.json\) of results/"):
            facts_of(path)
    with pytest.raises(InputError, match="there is no file nothing"):
        facts_of(Path("nothing"))
    (results / "broken.h5").write_bytes(b"HDF")
    with pytest.raises(InputError, match=r"broken\.h5 is missing or damaged"):
        facts_of(results / "broken.h5")
    with h5py.File(results / "foreign.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match=r"foreign\.h5 says nothing of its origin"):
        facts_of(results / "foreign.h5")


def test_the_command_prints_all_or_nothing(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    paths = [str(folder(results) / name) for name in ("scene-0000.h5", "0000.json")]
    monkeypatch.setattr(sys, "argv", ["zeroshot_vss", "explain", *paths])
    main()
    text = capsys.readouterr().out
    assert text.count("setting seed") == 2 and all(path in text for path in paths)
    monkeypatch.setattr(sys, "argv", ["zeroshot_vss", "explain", *paths, "nothing"])
    with pytest.raises(SystemExit, match="error: there is no file nothing"):
        main()
    assert capsys.readouterr().out == ""
