"""Every stage killed at its writes: the same job again ends with the same bytes and keeps every finished clip."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from stage_jobs import CLIPS, OF_CLIPS, STAGES, Events, Step, contents, die, ended, plan_of, run, start, steps_of
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.io.costs import cost_path
from zeroshot_vss.workflow.plan import Plan


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the data set and the model."""
    return tmp_path_factory.mktemp("base")


@pytest.fixture(scope="module")
def plan(base: Path) -> Plan:
    return plan_of(base)


@pytest.fixture(scope="module")
def steps(plan: Plan) -> dict[str, Step]:
    """The last job of each stage."""
    return {step.stage: step for step in steps_of(plan)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> Path:
    """A run that nothing disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    load_backbone(plan.config.backbones["small"].spec("small"), torch.device("cpu"))  # imports, see stage_jobs
    for step in steps_of(plan):
        assert run(step, folder, plan) == 0, (folder / "said.txt").read_text()
    return folder


def prepared(whole: Path, step: Step, folder: Path) -> Path:
    """A copy of the finished run without what a job made."""
    shutil.copytree(whole / "results", folder / "results")
    for output in step.outputs:
        of_job = [folder / output] if step.stage not in OF_CLIPS else (folder / output).parent.iterdir()
        for path in list(of_job):
            path.unlink()
    return folder


def stamps(folder: Path) -> dict[Path, int]:
    """When each clip's result was written."""
    return {path: path.stat().st_mtime_ns for path in (folder / "results").rglob("*.h5")}


def left_over(folder: Path) -> set[str]:
    """What is half written, or was: a clip or a file that is none of a clip's."""
    hidden = (path for path in (folder / "results").rglob(".*") if path.name != ".made")
    return {path.name.split(".")[1] for path in hidden}


@pytest.mark.parametrize("stage", STAGES)
def test_a_job_that_is_killed_at_a_write_goes_on_and_ends_the_same(
    whole: Path, plan: Plan, steps: dict[str, Step], tmp_path: Path, stage: str
) -> None:
    step, expected = steps[stage], contents(whole)
    counted = prepared(whole, step, tmp_path / "counted")
    assert contents(counted).keys() < expected.keys()
    assert run(step, counted, plan, Events()) == 0
    assert contents(counted) == expected, "without being killed"
    events = int((counted / "events.txt").read_text())
    assert events >= (2 * CLIPS + 1 if stage in OF_CLIPS else len(step.outputs))

    in_flight = 0
    # Every second one and the last, to save time.
    for at in sorted({*range(1, events + 1, 2), events}):
        folder = prepared(whole, step, tmp_path / str(at))
        assert run(step, folder, plan, Events(at, die)) == -signal.SIGKILL
        finished = stamps(folder)
        in_flight += len(left_over(folder))
        assert len(left_over(folder)) <= 1
        assert run(step, folder, plan) == 0, (folder / "said.txt").read_text()
        assert contents(folder) == expected and not left_over(folder)
        assert all(cost_path(path).is_file() for path in stamps(folder)), "the cost of a clip is lost"
        assert stamps(folder).items() >= finished.items(), "a finished clip was done again"
        shutil.rmtree(folder)
    assert in_flight, "no write was under way at any of the kills"


@pytest.mark.parametrize("stage", ["features", "upsample"])
@pytest.mark.parametrize("how", ["time limit", "a worker is killed"])
def test_a_job_of_two_processes_that_is_stopped_leaves_nothing_behind(
    base: Path, whole: Path, steps: dict[str, Step], tmp_path: Path, stage: str, how: str
) -> None:
    step, plan = steps[stage], plan_of(base, threads=2)
    folder = prepared(whole, step, tmp_path)

    def wait() -> None:
        """In both workers: half of a clip is written, then nothing more happens."""
        Path(f"worker-{os.getpid()}").touch()
        time.sleep(600)

    job = start(step, folder, plan, Events(2, wait))
    workers = eventually(lambda: [int(p.name.removeprefix("worker-")) for p in folder.glob("worker-*")], CLIPS)
    assert len(left_over(folder)) == CLIPS
    if how == "time limit":
        os.kill(job, signal.SIGTERM)  # to the first process alone, as some schedulers do
        assert ended(job) == 1
        assert "stopped by a signal (SIGTERM)" in (folder / "said.txt").read_text()
        assert not left_over(folder)
    else:
        os.kill(workers[0], signal.SIGKILL)  # as the system does where memory runs out
        os.kill(workers[1], signal.SIGTERM)
        assert ended(job) == 1
        assert f"error: {CLIPS} of {CLIPS} processes failed" in (folder / "said.txt").read_text()
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert run(step, folder, plan) == 0, (folder / "said.txt").read_text()
    assert contents(folder) == contents(whole) and not left_over(folder)


def eventually(look: Callable[[], list[int]], count: int) -> list[int]:
    """What `look` gives once it is enough."""
    for _ in range(3000):
        if len(seen := look()) == count:
            return seen
        time.sleep(0.02)
    raise AssertionError("nothing happened for a minute")
