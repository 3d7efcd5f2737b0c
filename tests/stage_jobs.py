"""The jobs of a small table as the rules run them, each script in a process that can be stopped at any write."""

from __future__ import annotations

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

# Loaded before jobs are forked, so that not each of them loads them.
from zeroshot_vss.stages import baseline, check, coarse, correspondences, features, overview, score, table, upsample
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import make_row
from zeroshot_vss.workflow.run import COMPUTE_VARIABLE

LOADED = (check, baseline, features, correspondences, coarse, upsample, score, table, overview)
CLIPS, FRAMES = 2, 3
STAGES = (
    "check", "baseline", "features", "correspondences", "coarse", "upsample", "inspect", "score", "table",
    "overview", "figure", "row_overlay",
)  # fmt: skip
OF_CLIPS = STAGES[1:7]
"""Those that write a file a clip."""


@dataclass(frozen=True)
class Step:
    """A job: what its rule's shell command says."""

    stage: str
    job: str
    """As JSON."""
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
    config, stages = plan.config, plan.stages
    ours, copied = make_row(config, "v", "ours", "small"), make_row(config, "v", "first-frame", "small")
    (baseline,) = [path for parts in stages.of_row(copied).values() for path in parts.paths()]
    made = {stage: parts.paths()[0] for stage, parts in stages.of_row(ours).items()}
    seen = next(path for path in plan.figures.planned["figure8"].inputs() if "/inspect/" in path)
    clip = stages.clips("v")[0]
    paths = [
        f"results/checked/v/{Path(baseline).stem}.frames.json", baseline, *made.values(), seen,
        "results/scores/v/first-frame.json", "results/scores/v/ours@small.json", "results/table1.csv",
        "results/figures/overview.png", "results/figures/figure8.pdf", f"results/overlays/v/ours@small/{clip}.mp4",
    ]  # fmt: skip
    return [step_of(plan, path) for path in paths]


def step_of(plan: Plan, path: str) -> Step:
    """The job that writes a file."""
    target = plan.target(path)
    return Step(target.job.stage, target.text, tuple(target.job.outputs()))


def plan_of(base: Path, **compute: Any) -> Plan:
    """The plan of `configuration`; the jobs run in folders of their own, so the workflow's is named."""
    return Plan(read_config(merge(configuration(base), {"compute": compute})), home=ROOT)


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
            # What lies elsewhere is kept between runs, such as the digests of weights, so that not all write it.
            if Path(target).resolve().is_relative_to(Path.cwd()):
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
        sys.argv = ["stage.py", step.stage, step.job]
        if before is not None:
            before()
        if events is not None:
            events.watch()
        runpy.run_path(str(ROOT / "scripts" / "stage.py"), run_name="__main__")
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
    """All results but costs and records, which hold times."""
    paths = [path for path in (folder / "results").rglob("*") if path.is_file() and ".made" not in path.parts]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths if not p.name.endswith(".cost.json")}
