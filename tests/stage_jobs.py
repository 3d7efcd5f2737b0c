"""The jobs of a small table as the rules run them, each script in a process that can be stopped at any write."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from miniatures import write_vspw
from small_models import save_embedded
from test_config import shipped
from workflow_copy import ROOT
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.report.plan import ReportPlan

# Loaded before jobs are forked, so that not each of them loads them.
from zeroshot_vss.stages import baseline, check, coarse, correspondences, features, overview, score, table, upsample
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.script import COMPUTE_VARIABLE

LOADED = (check, baseline, features, correspondences, coarse, upsample, score, table, overview)
CLIPS, FRAMES = 2, 3
STAGES = (
    "check", "baseline", "features", "correspondences", "coarse", "upsample", "inspect", "score", "quality_table",
    "overview", "figure", "row_overlay",
)  # fmt: skip
OF_CLIPS = STAGES[1:7]
"""Those that write a file a clip."""


@dataclass(frozen=True)
class Step:
    """A job: what its rule's shell command says."""

    stage: str
    script: str
    words: tuple[str, ...]
    """Its arguments."""
    outputs: tuple[str, ...]


def configuration(base: Path) -> dict[str, Any]:
    """Two clips of few small frames and a small random model, both written to `base`; few clusters."""
    if not (base / "model").is_dir():
        save_embedded(base / "model")
        write_vspw(base, CLIPS, FRAMES, (64, 64), rng=np.random.default_rng(0))
    few = {"clusters": 3, "initialisations": 1, "batches": {"size": 2}}
    settings = {"sampling": {"guidance": 1.0}, "context": few}
    methods = ["first-frame", "ours"]
    over = {
        "compute": {"device": "cpu", "threads": 1, "memory": 0.25, "frames_at_once": FRAMES, "clips_per_job": CLIPS},
        "datasets": {"v": {"kind": "vspw", "title": "V", "protocol": "vspw", "options": {"root": str(base)}}},
        "backbones": {"small": {"title": "small", "path": str(base / "model"), "settings": settings}},
        "tables": {"table1": {"datasets": ["v"], "backbones": ["small"], "methods": methods}},
        "overview": {"dataset": "v", "backbone": "small", "clips": 1, "frames": [0, 2], "methods": methods},
        "figures": {
            "dataset": "v", "backbones": ["small"], "frames": [0, 2], "over_time": {"methods": ["ours"]},
            "comparison": {"methods": ["ours"]}, "failures": {"dataset": "v"},
        },
    }  # fmt: skip
    return merge(shipped(), over)


def steps_of(plan: Plan) -> list[Step]:
    """The jobs of the first table, of two figures and of a video, in an order in which they can run.

    Paths are relative.
    """
    ours, copied = plan.row("v", "ours", "small"), plan.row("v", "first-frame", "small")
    (baseline,), stages = plan.maps(copied), {stage: path for stage, (path,) in plan.stages(ours).items()}
    checked = f"results/checked/v/{Path(baseline).name}"

    def job(stage: str, path: str, *inputs: str, script: str | None = None) -> Step:
        return Step(stage, script or f"{stage}.py", (plan.job(path.removesuffix(".json")), path, *inputs), (path,))

    def score(path: str, maps: str) -> Step:
        told = plan.score_job("v", Path(path).stem)
        return Step("score", "score.py", (told, path, maps), (path, path.replace(".json", ".csv")))

    scores = plan.table_inputs("table1")
    told, timed = plan.table_job("table1"), plan.timed("table1")
    kinds = tuple(f"results/table1.{kind}" for kind in ("csv", "md", "tex"))
    picture = "results/figures/overview.png"
    seen = plan.figures.inputs("figure8")[0]
    drawn, clip = ("results/figures/figure8.pdf", "results/figures/figure8.png"), plan.clips("v")[0]
    video = ReportPlan(plan).overlay_job("v", "ours@small", clip)
    shown = tuple(f"results/overlays/v/ours@small/{clip}.{kind}" for kind in ("mp4", "html"))
    return [
        job("check", checked),
        job("baseline", baseline, checked),
        job("features", stages["features"], checked),
        job("correspondences", stages["correspondences"], stages["features"]),
        job("coarse", stages["coarse"], checked, stages["features"], stages["correspondences"]),
        job("upsample", stages["upsample"], checked, stages["coarse"]),
        job("inspect", seen, checked, script="inspect_frames.py"),
        *map(score, scores, (baseline, stages["upsample"])),
        Step("quality_table", "table.py", (told, "none", json.dumps(timed), kinds[0], *scores), kinds),
        Step("overview", "overview.py", (plan.overview_job(), picture, baseline, stages["upsample"]), (picture,)),
        Step("figure", "figure.py", (plan.figures.job("figure8"), *drawn, *plan.figures.inputs("figure8")), drawn),
        Step("row_overlay", "row_overlay.py", (video, *shown, stages["upsample"]), shown),
    ]  # fmt: skip


def plan_of(base: Path, **compute: Any) -> Plan:
    """The plan of `configuration`."""
    return Plan(read_config(merge(configuration(base), {"compute": compute})))


class Events:
    """Counts what a process writes: frames put into HDF5 files and files that get their name.

    Args:
        at: the number of the event, from 1, before which `then` is called; 0 for none.
    """

    def __init__(self, at: int = 0, then: Callable[[], None] = lambda: None) -> None:
        self.seen, self._at, self._then = 0, at, then

    def _happened(self) -> None:
        self.seen += 1
        if self.seen == self._at:
            self._then()

    def watch(self) -> None:
        """Begin, in the process that is watched."""
        put, replace = h5py.Dataset.__setitem__, os.replace

        def watched_put(data: h5py.Dataset, where: Any, values: Any) -> None:
            self._happened()
            put(data, where, values)

        def watched_replace(source: Any, target: Any) -> None:
            self._happened()
            replace(source, target)

        h5py.Dataset.__setitem__ = watched_put  # pyright: ignore[reportAttributeAccessIssue]
        os.replace = watched_replace


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def start(
    step: Step, folder: Path, plan: Plan, events: Events | None = None, before: Callable[[], None] | None = None
) -> int:
    """Run a job's script in a forked process with `folder` as its working directory; returns the process.

    What it says goes to `said.txt` there, and the number of events to `events.txt`. It leads a group of processes.
    """
    process = os.fork()
    if process:
        return process
    status = 1
    try:
        os.setpgid(0, 0)
        os.chdir(folder)
        said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        os.environ[COMPUTE_VARIABLE] = plan.config.compute.model_dump_json()
        sys.argv = [step.script, *step.words]
        if before is not None:
            before()
        if events is not None:
            events.watch()
        runpy.run_path(str(ROOT / "scripts" / step.script), run_name="__main__")
        if events is not None:
            Path("events.txt").write_text(str(events.seen))
        status = 0
    except SystemExit as end:
        if isinstance(end.code, str):
            os.write(2, f"{end.code}\n".encode())
    except BaseException:
        import traceback

        os.write(2, traceback.format_exc().encode())
        status = 2
    finally:
        os._exit(status)


def ended(process: int) -> int:
    """Wait for a process; its exit status, negative where a signal ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def run(step: Step, folder: Path, plan: Plan, events: Events | None = None) -> int:
    """Run a job; its exit status: 0 done, 1 ended with a message, 2 with a traceback, negative by a signal."""
    return ended(start(step, folder, plan, events))


def contents(folder: Path) -> dict[str, bytes]:
    """All results but costs, which are times."""
    found = [path for path in (folder / "results").rglob("*") if path.is_file()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in found if not p.name.endswith(".cost.json")}
