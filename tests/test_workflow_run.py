"""Real runs of the workflow with a small random model: results, reruns, repeatability, interruptions, own clips."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from in_process import make
from miniatures import moving_shapes
from small_models import save_embedded
from test_config import shipped
from workflow_copy import command, copy_workflow, environment, planned, snakemake, write_config
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.workflow.explain import clip_facts, read_origin
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import make_row

CLUSTERS, FRAMES = 6, 9
CLIP_SIZES = {"film": (150, 210), "pictures": (131, 203)}
"""Not what the model can take: frames are resized for it, and label maps come back at these sizes."""
PERSISTENT = ("results", ".snakemake")


def overlay(base: Path) -> dict[str, Any]:
    """A small configuration on the model and the clips in `base`."""
    few = {"clusters": CLUSTERS, "initialisations": 1, "batches": {"size": 3}}
    return {
        "compute": {"device": "cpu", "threads": 1, "memory": 0.25, "frames_at_once": 4, "clips_per_job": 2},
        "datasets": {"scenes": {"options": {"split": "validation", "count": 2, "frames": FRAMES}}},
        "backbones": {
            "small": {
                "title": "small",
                "path": str(base / "model"),
                "settings": {"sampling": {"guidance": 1.0}, "context": few},
            }
        },
        "tables": {"table1": {"backbones": ["small"], "methods": ["first-frame", "ours-nearest", "ours"]}},
        "overview": {"backbone": "small", "clips": 1, "frames": [0, 8], "methods": ["first-frame", "ours"]},
        "clips": {"film": str(base / "film.mp4")},
        # With correspondences, so that every stage is of a user's clip as well.
        "user_clips": {"backbone": "small", "method": "ours-direct-guided"},
    }


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model and two clips."""
    folder = tmp_path_factory.mktemp("run")
    save_embedded(folder / "model")
    rng = np.random.default_rng(0)
    film, _ = moving_shapes(4, CLIP_SIZES["film"], rng)
    with VideoWriter(folder / "film.mp4", 12) as writer:
        writer.write(film)
    (folder / "pictures").mkdir()
    pictures, _ = moving_shapes(3, CLIP_SIZES["pictures"], rng)
    for index, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "pictures" / f"frame{index + 8}.png")
    return folder


@pytest.fixture(scope="module")
def run(base: Path) -> Path:
    """A finished run of everything."""
    folder = copy_workflow(base / "run")
    write_config(folder, overlay(base))
    done = snakemake(folder)
    assert done.returncode == 0, done.stdout
    return folder


def copy_of(run: Path, folder: Path, parts: tuple[str, ...] = PERSISTENT) -> Path:
    """A fresh clone with results moved beside it: their times stay."""
    copy_workflow(folder)
    shutil.copyfile(run / "overlay.yaml", folder / "overlay.yaml")
    for name in parts:
        shutil.copytree(run / name, folder / name)
    return folder


def test_the_table_has_measured_and_published_rows(run: Path) -> None:
    table: Any = pd.read_csv(run / "results" / "table1.csv")
    assert list(table.columns[:10]) == [
        "method", "backbone", "supervision", "data set", "protocol", "clips", "frames", "mIoU", "mVC8", "mVC16",
    ]  # fmt: skip
    assert {"paper mIoU", "paper mVC8", "paper mVC16", "correct mVC8", "boundary F"} < set(table.columns)
    measured, published = (table[table["source"] == source] for source in ("measured", "published"))
    assert list(measured["method"]) == ["First frame copied", "Ours, nearest upsampling", "Ours"]
    assert list(measured["backbone"].fillna("")) == ["", "small", "small"]
    assert (measured["clips"] == 2).all() and (measured["frames"] == 2 * FRAMES).all()
    for figure in ("mIoU", "mVC8", "pixel accuracy", "boundary F", "mIoU clip std"):
        assert measured[figure].between(0, 100).all(), figure
    # A copied map never changes; nine frames hold no window of sixteen.
    assert measured["mVC8"].iloc[0] == 100 and measured["mVC16"].isna().all()
    known: Any = pd.read_csv(run / "config" / "published" / "table1.csv")
    assert list(published["mIoU"]) == list(known["mIoU"]) and len(measured) + len(published) == len(table)
    text = (run / "results" / "table1.md").read_text()
    assert "## Measured" in text and "## Published" in text and "nan" not in text.lower()
    assert (run / "results" / "table1.tex").read_text().count(r"\begin{tabular}") == 2


def test_every_result_says_where_it_comes_from(run: Path) -> None:
    stages = set()
    for path in sorted((run / "results").rglob("*.h5")):
        origin = read_origin(path)
        facts = dict(clip_facts(origin))
        stages.add(origin.stage)
        assert facts["clip"].startswith(path.stem) and facts["versions"].startswith("python ")
        model = origin.stage in ("features", "correspondences", "coarse") or "setting modulation.block" in facts
        assert ("weights" in facts) == model, origin.stage
        assert (facts.get("device", "none").split(",")[0]) == ("none" if origin.stage == "baseline" else "cpu")
    assert stages == {"baseline", "features", "correspondences", "coarse", "upsample"}


def test_the_overview_is_a_picture(run: Path) -> None:
    with Image.open(run / "results" / "figures" / "overview.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    assert min(pixels.shape[:2]) > 200 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 100


def test_scores_of_each_clip(run: Path) -> None:
    clips: Any = pd.read_csv(run / "results" / "scores" / "scenes" / "ours@small.csv")
    assert list(clips["clip"]) == ["scene-0000", "scene-0001"] and (clips["frames"] == FRAMES).all()
    table: Any = pd.read_csv(run / "results" / "table1.csv").set_index("method")
    assert table.loc["Ours", "mIoU clip mean"].tolist()[0] == pytest.approx(100 * clips["miou"].mean(), abs=0.01)


def check_own_clip(folder: Path, size: tuple[int, int], rate: int, names: list[str]) -> None:
    """The overlay has all frames at about their size, the masks exactly theirs and clusters as values."""
    height, width = size
    with av.open(str(folder / "overlay.mp4")) as video:
        pictures = [frame.to_ndarray(format="rgb24") for frame in video.decode(video=0)]
        assert video.streams.video[0].average_rate == rate
    # 4:2:0 video has even sides; the legend stands below the frame.
    assert len(pictures) == len(names)
    assert pictures[0].shape[1] == width + width % 2 and height < pictures[0].shape[0] < 2 * height
    masks = sorted((folder / "labels").glob("*.png"))
    assert [path.name for path in masks] == sorted(names)
    used: set[int] = set()
    for path in masks:
        with Image.open(path) as mask:
            assert mask.mode == "P" and mask.size == (width, height)
            used |= set(np.unique(np.asarray(mask)).tolist())
    assert len(used) > 1 and max(used) < CLUSTERS


def test_a_video_of_the_users(run: Path) -> None:
    names = [f"{index:08d}.png" for index in range(4)]
    check_own_clip(run / "results" / "clips" / "film", CLIP_SIZES["film"], 12, names)


def test_a_finished_run_has_nothing_to_do_whatever_is_touched(run: Path) -> None:
    later = time.time() + 10
    touched = [path for name in (*os.listdir(run), "results") for path in (run / name).rglob("*")]
    touched = [path for path in touched if path.is_file() and not {".snakemake", "clips"} & set(path.parts)]
    assert {path.suffix for path in touched} >= {".py", ".smk", ".yaml", ".csv", ".json", ".h5"}
    kept = {path: path.stat().st_mtime_ns for path in touched}
    # Inputs become newer than all that was made of them.
    final = {run / "results" / name for name in ("table1.csv", "table1.md", "table1.tex", "figures/overview.png")}
    for path in touched:
        if path not in final:
            os.utime(path, (later, later))
    try:
        assert planned(run) == {}
    finally:
        for path, stamp in kept.items():
            os.utime(path, ns=(stamp, stamp))


def test_a_fresh_clone_beside_finished_results_has_nothing_to_do(run: Path, tmp_path: Path) -> None:
    assert planned(copy_of(run, tmp_path / "clone")) == {}


def test_without_snakemakes_records_no_model_runs_again(run: Path, tmp_path: Path) -> None:
    jobs = planned(copy_of(run, tmp_path / "clone", ("results",)))
    assert not {"check", "features", "correspondences", "coarse", "upsample", "baseline"} & set(jobs)


def test_a_further_clip_leaves_the_others_alone(run: Path, base: Path) -> None:
    more = merge(overlay(base), {"clips": {"pictures": str(base / "pictures")}})
    write_config(run, more)
    try:
        jobs = planned(run)
    finally:
        write_config(run, overlay(base))
    assert jobs.pop("main") == 1
    assert jobs == dict.fromkeys(("check", "features", "correspondences", "coarse", "upsample", "overlay"), 1)


@pytest.fixture
def library(run: Path) -> Iterator[Path]:
    """The library of the finished run, put back afterwards."""
    folder = run / "src" / "zeroshot_vss"
    kept = {path: path.read_bytes() for path in folder.rglob("*.py")}
    yield folder
    for path, data in kept.items():
        path.write_bytes(data)


def test_edits_of_comments_and_docstrings_change_nothing(run: Path, library: Path) -> None:
    for path in library.rglob("*.py"):
        path.write_text(f'{path.read_text()}\n# A comment.\n"""Words."""\n')
    assert planned(run) == {}


def test_an_edit_of_a_metric_scores_again_and_runs_no_model(run: Path, library: Path) -> None:
    path = library / "metrics" / "boundary.py"
    path.write_text(f"{path.read_text()}\nEDITED = True\n")
    jobs = planned(run)
    assert (jobs.pop("score"), jobs.pop("quality_table")) == (3, 1)
    assert set(jobs) <= {"main", "table_page", "clips_page", "runs_page", "leaderboard"}


def test_an_edit_of_the_correspondences_keeps_the_features(run: Path, library: Path) -> None:
    path = library / "method" / "correspondence.py"
    path.write_text(f"{path.read_text()}\nEDITED = True\n")
    # The user's clip is a job of its own beside one job of both scenes.
    assert planned(run) == {
        "correspondences": 2, "coarse": 2, "upsample": 3, "score": 2, "quality_table": 1, "overview": 1,
        "overlay": 1, "row_overlay": 2, "table_page": 1, "clips_page": 1, "runs_page": 1, "main": 1,
        "leaderboard": 1, "table_player": 2,
    }  # fmt: skip


def contents(folder: Path) -> dict[str, bytes]:
    """All results of the scenes that are data."""
    actual = [path for path in (folder / "results").rglob("*") if path.suffix in (".h5", ".csv")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in actual if "clips" not in path.parts}


STOPPED = """
import os, time
from fnmatch import fnmatch
from pathlib import Path

stop, replace = os.environ.get("STOP_AT"), os.replace

def watched(source, target):
    if stop and fnmatch(str(target), stop):
        Path("stopped").touch()
        time.sleep(600)
    replace(source, target)

os.replace = watched
"""
"""A `sitecustomize` of Python: a process stands still before it gives a file its name, as long as a test likes."""


def started(folder: Path, target: str, stop: str) -> subprocess.Popen[str]:
    """A run that stands still before it writes a file whose path is like `stop`. It leads a group of processes."""
    hook = folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(STOPPED)
    env = environment(folder, STOP_AT=stop)
    env["PYTHONPATH"] = f"{hook}{os.pathsep}{env['PYTHONPATH']}"
    call = subprocess.Popen(
        command(target), cwd=folder, env=env, start_new_session=True, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (folder / "stopped").exists():
        assert call.poll() is None, "the run ended before it came so far"
        time.sleep(0.01)
    return call


def kill(call: subprocess.Popen[str]) -> None:
    """As `kill -9` of a run and all its jobs."""
    os.killpg(call.pid, signal.SIGKILL)
    call.wait()


def without(run: Path, folder: Path, *patterns: str) -> Path:
    """A copy of the finished run without some results."""
    copy_of(run, folder)
    for pattern in patterns:
        for path in sorted((folder / "results").glob(pattern), reverse=True):
            path.unlink() if path.is_file() else shutil.rmtree(path)
    return folder


INTERRUPTED = {
    "upsample": (["maps/scenes*", "scores/scenes", "table1.*"], "*/upsampler=modulation*/scene-0001.h5",
                 "maps/scenes*/**/upsampler=modulation*/scene-0000.h5"),
    "quality_table": (["table1.*"], "*/table1.md", "table1.csv"),
}  # fmt: skip
"""Stage to what is removed, the file at whose writing the run is killed, and one that is finished then; every
stage is killed in test_killed.py."""


@pytest.mark.parametrize("stage", INTERRUPTED)
def test_an_interrupted_run_goes_on_and_ends_the_same(run: Path, tmp_path: Path, stage: str) -> None:
    removed, stop, done_before = INTERRUPTED[stage]
    folder = without(run, tmp_path / "again", *removed)
    kill(started(folder, "results/table1.csv", stop))
    (first,) = (folder / "results").glob(done_before)
    stamp = first.stat().st_mtime_ns
    assert not list(first.parent.glob("scene-0001.h5")) and not list(first.parent.glob("0000.json"))

    assert any((folder / ".snakemake" / "locks").iterdir()), "nothing was left behind"
    done = snakemake(folder, "results/table1.csv")
    assert done.returncode == 0, done.stdout
    assert stage == "quality_table" or first.stat().st_mtime_ns == stamp, "the finished clip was done again"
    assert contents(folder) == contents(run)


def test_a_second_run_in_the_same_folder_is_refused(run: Path, tmp_path: Path) -> None:
    folder = without(run, tmp_path / "twice", "table1.*")
    first = started(folder, "results/table1.csv", "*/table1.md")
    try:
        second = snakemake(folder, "results/table1.csv")
        assert second.returncode == 1 and "cannot be locked" in second.stdout, second.stdout
        assert first.poll() is None and not (folder / "results" / "table1.md").exists(), "the first run is at work"
    finally:
        kill(first)


def test_a_folder_of_the_users(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    values = merge(shipped(), overlay(base)) | {"clips": {"pictures": str(base / "pictures")}}
    video = make(Plan(read_config(values)), "results/clips/pictures/overlay.mp4")
    check_own_clip(video.parent, CLIP_SIZES["pictures"], 15, ["frame8.png", "frame9.png", "frame10.png"])


def test_another_way_to_compute_gives_the_same_label_maps(
    base: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    same = merge(shipped(), merge(overlay(base), {"datasets": {"scenes": {"options": {"limit": 1}}}}))
    frugal = {"memory": 1e-9, "frames_at_once": 2, "clips_per_job": 1}
    actual: list[Path] = []
    for name, values in (("again", same), ("other", merge(same, {"compute": frugal}))):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        plan = Plan(read_config(values))
        maps = plan.stages.maps(make_row(plan.config, "scenes", "ours", "small"))
        assert maps is not None
        actual.append(make(plan, maps.paths()[0]).with_name("scene-0000.h5"))
    first, again, other = run / actual[0], tmp_path / "again" / actual[0], tmp_path / "other" / actual[1]
    assert first.read_bytes() == again.read_bytes()
    with h5py.File(first) as file, h5py.File(other) as frugally:
        np.testing.assert_array_equal(file["maps"][()], frugally["maps"][()])  # pyright: ignore
