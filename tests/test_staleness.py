"""Nothing stale is kept: each input that a stage can read is changed, and what depends on it alone is done again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from in_process import make
from in_process import stale as stale_jobs
from stage_jobs import configuration
from workflow_copy import copy_workflow, planned, write_config
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.workflow.plan import Plan

FIRST, SECOND = "3_miniature", "4_miniature"
TARGETS = ("results/table1.csv", f"results/overlays/v/ours@small/{FIRST}.mp4")


def values_of(base: Path) -> dict[str, Any]:
    """A model on two clips, each a part of its own, a method without one, and another system's predictions."""
    over = {
        "compute": {"clips_per_job": 1},
        "methods": {"dvis": {"predictions": {"v": str(base / "predictions")}}},
        "tables": {"table1": {"methods": ["first-frame", "ours", "dvis"]}},
    }
    return merge(configuration(base), over)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data, a model, predictions, and a finished run in `run`, of which Snakemake has no records."""
    folder = tmp_path_factory.mktemp("stale")
    values = values_of(folder)
    for mask in sorted((folder / "VSPW_480p" / "data").rglob("*.png")):
        (folder / "predictions" / mask.parts[-3]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((64, 64), np.uint8)).save(folder / "predictions" / mask.parts[-3] / mask.name)
    write_config(copy_workflow(folder / "run"), values)
    with pytest.MonkeyPatch.context() as at:
        at.chdir(folder / "run")
        at.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        make(Plan(read_config(values)), *TARGETS)
    shutil.copytree(folder, folder.parent / "whole")
    return folder


@pytest.fixture(autouse=True)
def restored(base: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything is what it was after each change, times included."""
    monkeypatch.chdir(base / "run")
    monkeypatch.setenv("XDG_CACHE_HOME", str(base.parent / "cache"))
    yield
    whole = base.parent / "whole"
    kept = {path.relative_to(whole): path for path in whole.rglob("*") if path.is_file()}
    for path in [path for path in base.rglob("*") if path.is_file()]:
        if path.relative_to(base) not in kept:
            path.unlink()
    for name, path in kept.items():
        now, then = base / name, path.stat()
        if not now.exists() or (now.stat().st_size, now.stat().st_mtime_ns) != (then.st_size, then.st_mtime_ns):
            now.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, now)


def stale(values: dict[str, Any]) -> dict[str, int]:
    """Jobs by stage behind the two targets whose results are not what they would make, or that read such."""
    return stale_jobs(Plan(read_config(values)), TARGETS)


def flip(path: Path, share: float, start: int = 0) -> None:
    """Change one byte, at a share of the file's length after `start`."""
    data = bytearray(path.read_bytes())
    data[start + int(share * (len(data) - start - 1))] ^= 1
    path.write_bytes(data)


def repaint(path: Path) -> None:
    """Another picture of the same size and name; of a mask, another class in a corner."""
    with Image.open(path) as picture:
        pixels, palette = np.array(picture), picture.getpalette()
    pixels[2:20, 2:20] = 61 if path.suffix == ".png" else 255 - pixels[2:20, 2:20]
    changed = Image.fromarray(pixels)
    if palette is not None:
        changed.putpalette(palette)
    changed.save(path)


def cut(path: Path) -> None:
    """As after a full disk."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def some(folder: Path, pattern: str) -> Path:
    """The first file of a pattern."""
    return sorted(folder.glob(pattern))[0]


LABELS = {"features": 1, "correspondences": 1, "coarse": 1, "upsample": 1}
PICTURE = {"check": 1, "baseline": 1, **LABELS, "score": 3, "table": 1}
MODEL = {"features": 2, "correspondences": 2, "coarse": 2, "upsample": 2, "score": 1, "table": 1, "row_overlay": 1}

CHANGES: dict[str, tuple[Callable[[Path], object], dict[str, int]]] = {
    "nothing": (lambda base: None, {}),
    "a frame": (lambda base: repaint(some(base, f"VSPW_480p/data/{SECOND}/origin/*.jpg")), PICTURE),
    "a frame that is shown": (
        lambda base: repaint(some(base, f"VSPW_480p/data/{FIRST}/origin/*.jpg")), {**PICTURE, "row_overlay": 1}
    ),
    "a mask": (lambda base: repaint(some(base, f"VSPW_480p/data/{SECOND}/mask/*.png")), PICTURE),
    "the list of clips": (
        lambda base: (base / "VSPW_480p" / "val.txt").write_text(FIRST) and None, {"score": 3, "table": 1}
    ),
    "a prediction": (
        lambda base: repaint(some(base, f"predictions/{FIRST}/*.png")),
        {"check_predictions": 1, "score": 1, "table": 1},
    ),
    "the scores of clips": (
        lambda base: cut(base / "run/results/scores/v/ours@small.csv"), {"score": 1, "table": 1}
    ),
    "what pooling needs": (
        lambda base: cut(base / "run/results/scores/v/ours@small.npz"), {"score": 1, "table": 1}
    ),
    "the table": (lambda base: cut(base / "run/results/table1.csv"), {"table": 1}),
    "its intervals": (lambda base: cut(base / "run/results/table1-intervals.csv"), {"table": 1}),
    "its LaTeX": (lambda base: cut(base / "run/results/table1.tex"), {"table": 1}),
    "the overlay": (lambda base: cut(base / "run" / TARGETS[1]), {"row_overlay": 1}),
    "the paper's figures": (
        lambda base: flip(base / "run/config/published/table1.csv", 0.999), {"table": 1}
    ),
    "a manifest": (
        lambda base: some(base, "run/results/coarse/v/**/0001.json").write_text('{"clips": {}}\n') and None,
        {"coarse": 1, "upsample": 1, "score": 1, "table": 1},
    ),
}  # fmt: skip
"""What is changed, and the jobs that depend on it by stage."""


@pytest.mark.parametrize("what", CHANGES)
def test_what_depends_on_a_change_is_done_again_and_nothing_else(base: Path, what: str) -> None:
    change, dependants = CHANGES[what]
    change(base)
    assert stale(values_of(base)) == dependants


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_every_part_of_the_weights_counts(base: Path, share: float) -> None:
    weights = max((base / "model" / "unet").glob("*.safetensors"), key=lambda path: path.stat().st_size)
    header = 8 + int.from_bytes(weights.read_bytes()[:8], "little")
    flip(weights, share, header)
    assert stale(values_of(base)) == MODEL


def test_every_file_of_the_model_counts(base: Path) -> None:
    """Scheduler, tokenizer or context, configs: by a byte that changes no meaning, so that planning goes on."""
    files = [path for path in sorted((base / "model").rglob("*")) if path.suffix == ".json"]
    assert any("scheduler" in str(path) for path in files)
    unread = []
    for path in files:
        kept = path.read_bytes()
        path.write_bytes(kept + b"\n")
        if stale(values_of(base)) != MODEL:
            unread.append(path.name)
        path.write_bytes(kept)
    assert set(unread) <= {"model_index.json", "training.json"}, "those are not loaded"


@pytest.mark.parametrize(
    ("setting", "dependants"),
    [
        ({"context": {"seed": 5}}, {"coarse": 2, "upsample": 2, "score": 1, "table": 1, "row_overlay": 1}),
        ({"upsampling": {"filter": 0.5}}, {"upsample": 2, "score": 1, "table": 1, "row_overlay": 1}),
        ({"sampling": {"seed": 5}}, MODEL),
    ],
)
def test_a_setting_reaches_its_own_stages(base: Path, setting: dict[str, Any], dependants: dict[str, int]) -> None:
    over = {"backbones": {"small": {"settings": setting}}}
    assert stale(merge(values_of(base), over)) == dependants


def test_exchanged_results_are_refused_when_they_are_read(base: Path) -> None:
    """Manifests and files are whole, but one is not what the other names."""
    plan = Plan(read_config(values_of(base)))
    for folder, reader in (("maps", "score"), ("coarse", "upsample"), ("features", "coarse")):
        results = base / "run" / "results"
        one, other = some(results, f"{folder}/v/**/{FIRST}.h5"), some(results, f"{folder}/v/**/{SECOND}.h5")
        kept = one.read_bytes()
        one.write_bytes(other.read_bytes())
        other.write_bytes(kept)
        plan.target(TARGETS[0])
        jobs = [job for job in plan.stages.jobs.values() if job.stage == reader and "dvis" not in job.outputs()[0]]
        job = next(job for job in jobs if any(f"/{folder}/" in path for path in job.inputs()))
        for path in [path for path in Path(job.outputs()[0]).parent.glob("*.h5") if reader != "score"]:
            path.unlink()
        run = import_module(f"zeroshot_vss.stages.{reader}").run
        with pytest.raises(InputError, match=r"its content is not what 000\d\.json names"):
            run(job.model_copy(update={"compute": plan.config.compute}))


# The same by Snakemake, which has no records of its own here; those are in test_workflow_run.py


def test_snakemake_does_what_is_stale_and_says_so(base: Path) -> None:
    """Data, a result and code at once: the union of what depends on each."""
    run = base / "run"
    assert planned(run, *TARGETS) == {}
    cut(run / TARGETS[1])
    repaint(some(base, f"predictions/{FIRST}/*.png"))
    assert planned(run, *TARGETS) == {"check_predictions": 1, "score": 1, "quality_table": 1, "row_overlay": 1}
    code = run / "src" / "zeroshot_vss" / "method" / "difference.py"
    code.write_text(f"{code.read_text()}\nEDITED = True\n")
    assert planned(run, *TARGETS) == {
        "upsample": 2, "check_predictions": 1, "score": 2, "quality_table": 1, "row_overlay": 1,
    }  # fmt: skip


def test_data_that_was_only_touched_is_read_again_and_nothing_runs(base: Path) -> None:
    for folder in (base / "VSPW_480p" / "data" / SECOND, base / "predictions"):
        for path in folder.rglob("*.*"):
            os.utime(path)
    assert planned(base / "run", *TARGETS) == {}
