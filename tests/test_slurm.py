"""The workflow on a real SLURM (tests/slurm_cluster.py), by the shipped profile."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from slurm_cluster import cluster, held, missing
from small_models import save_embedded
from workflow_copy import ROOT, command, copy_workflow, environment, snakemake, write_config

PROFILE = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
WHY = missing() or (None if find_spec("snakemake_executor_plugin_slurm") else "the extra `slurm` is not installed")
pytestmark = pytest.mark.skipif(WHY is not None, reason=WHY or "")

TABLE, CHECKED = "results/table1.csv", "results/checked/scenes~split=validation~frames=6/0000.frames.json"
SUBMITTED = ("--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2")


def configuration(base: Path) -> dict[str, Any]:
    """Two short clips in one job a stage, every kind of job; other tables keep a model that is not there."""
    context = {"clusters": 6, "initialisations": 1, "batches": {"size": 3}}
    small = {
        "title": "small",
        "path": str(base / "model"),
        "settings": {"sampling": {"guidance": 1.0}, "context": context},
    }
    return {
        "compute": {"device": "cpu", "threads": 1, "memory": 0.25, "frames_at_once": 3, "clips_per_job": 2},
        "datasets": {"scenes": {"options": {"split": "validation", "count": 2, "frames": 6}}},
        "backbones": {"small": small},
        "tables": {"table1": {"backbones": ["small"], "methods": ["first-frame", "ours"]}},
    }


@dataclass
class Run:
    """A folder of the workflow and a call of Snakemake in it that may still run."""

    folder: Path
    call: subprocess.Popen[bytes]
    log: Path

    def end(self) -> tuple[int, str]:
        """Exit status and messages."""
        return self.call.wait(timeout=600), self.log.read_text()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model."""
    folder = tmp_path_factory.mktemp("slurm")
    save_embedded(folder / "model")
    return folder


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A cluster, as environment variables."""
    with cluster(tmp_path_factory.mktemp("cluster") / "run") as variables:
        yield variables


def start(folder: Path, base: Path, *args: str, options: tuple[str, ...] = (), **more: str) -> Run:
    """Begin a run, in a copy of the workflow that is made where there is none."""
    if not folder.exists():
        write_config(copy_workflow(folder), configuration(base))
    call = command(*args)
    call[3:5] = options or call[3:5]
    log = folder.with_suffix(".log")
    with log.open("wb") as file:
        process = subprocess.Popen(call, cwd=folder, env=environment(folder, **more), stdout=file, stderr=file)
    return Run(folder, process, log)


@contextmanager
def ending(run: Run) -> Iterator[Run]:
    """Nothing of the run goes on after the block."""
    try:
        yield run
    finally:
        if run.call.poll() is None:
            run.call.kill()
            run.call.wait()


@pytest.fixture(scope="module")
def local(base: Path) -> Iterator[Run]:
    """A run of the table on this machine's cores."""
    with ending(start(base / "local", base, TABLE)) as run:
        yield run


def variables(slurm: dict[str, str], folder: Path) -> dict[str, str]:
    """Those of the cluster; the interpreter of the tests comes first."""
    return {**slurm, "PATH": f"{environment(folder)['PATH'].split(os.pathsep)[0]}{os.pathsep}{slurm['PATH']}"}


def ask(slurm: dict[str, str], *call: str) -> str:
    """What one of SLURM's commands prints."""
    return subprocess.run(call, env={**os.environ, **slurm}, text=True, capture_output=True, check=True).stdout


def await_text(look: Callable[[], str], run: Run) -> str:
    """Wait until `look` finds something while a run goes on."""
    while not (actual := look()):
        if run.call.poll() is not None:
            pytest.fail(f"the run ended too early:\n{run.end()[1]}")
        time.sleep(0.05)
    return actual


def rule_of(comment: str) -> str:
    """The rule of a submitted job, which is in a group of the same name: `rule_<group>_<rule>`."""
    names = comment.removeprefix("rule_")
    return names[: len(names) // 2]


def running(slurm: dict[str, str], name: str, run: Run) -> str:
    """The number of the running job of a rule, submitted in the folder of `run`."""
    args = ["squeue", "-h", "-t", "RUNNING", "-o", "%i %k %Z"]

    def look() -> str:
        jobs = [line.split() for line in ask(slurm, *args).splitlines()]
        return next((job for job, comment, at in jobs if rule_of(comment) == name and Path(at) == run.folder), "")

    return await_text(look, run)


def shorten(slurm: dict[str, str], job: str, run: Run) -> None:
    """Put a running job at its time limit, and wait until SLURM has ended it."""
    # Snakemake asks for whole minutes, one at least: the administrator shortens it.
    ask(slurm, "scontrol", "update", f"JobId={job}", "TimeLimit=0")
    await_text(lambda: states(slurm, job).partition("TIMEOUT")[1], run)


def states(slurm: dict[str, str], job: str) -> str:
    """What SLURM's books say of a job."""
    return ask(slurm, "sacct", "-X", "-n", "-P", "--format=State", "-j", job)


@pytest.fixture(scope="module")
def unbegun(base: Path, slurm: dict[str, str], local: Run) -> Iterator[Run]:
    """A run whose only job came to its time limit while the node prepared it: nothing of it had begun."""
    folder, hold = base / "unbegun", held(Path(slurm["SLURM_CONF"]).parent)
    hold.touch()
    with ending(start(folder, base, CHECKED, options=SUBMITTED, **variables(slurm, folder))) as run:
        try:
            shorten(slurm, running(slurm, "check", run), run)
        finally:
            hold.unlink()
        yield run


@pytest.fixture(scope="module")
def late(base: Path, slurm: dict[str, str], local: Run, unbegun: Run) -> Iterator[Run]:
    """A run whose only job was at work, hung, and came to its time limit."""
    folder = base / "late"
    with ending(start(folder, base, CHECKED, options=SUBMITTED, **variables(slurm, folder))) as run:
        job = running(slurm, "check", run)
        await_text(lambda: job_logs(run), run)
        ask(slurm, "scancel", "--full", "--signal=STOP", job)
        shorten(slurm, job, run)
        yield run


def job_logs(run: Run) -> str:
    """What the submitted jobs of a run have printed; SLURM's last words may come after Snakemake has shown them."""
    return "".join(path.read_text() for path in sorted(run.folder.glob(".snakemake/slurm_logs/**/*.log")))


def test_a_cancelled_job_is_run_again_and_keeps_what_was_finished(
    base: Path, slurm: dict[str, str], local: Run, late: Run
) -> None:
    folder = base / "submitted"
    cluster_of = variables(slurm, folder)
    with ending(start(folder, base, TABLE, options=(*SUBMITTED, "--retries", "0"), **cluster_of)) as run:
        job = running(slurm, "upsample", run)
        whole = await_text(lambda: " ".join(map(str, folder.glob("results/maps/**/scene-0000.h5"))), run)
        ask(slurm, "scancel", job)
        status, said = run.end()
    assert status != 0 and "Error in group upsample" in said, said
    assert f"*** JOB {job} ON node CANCELLED AT" in said, said
    first = Path(whole)
    assert not (first.parent / "0000.json").exists()
    stamp = first.stat().st_mtime_ns

    with ending(start(folder, base, TABLE, options=SUBMITTED, **cluster_of)) as run:
        status, said = run.end()
    assert status == 0, said
    assert first.stat().st_mtime_ns == stamp, "the finished clip was done again"
    status, said = local.end()
    assert status == 0, said
    assert (folder / TABLE).read_bytes() == (local.folder / TABLE).read_bytes()
    done = snakemake(folder, TABLE, options=("--dry-run", "--quiet", "rules"))
    assert "Nothing to be done" in done.stdout, done.stdout


def booked(slurm: dict[str, str], folder: Path) -> list[list[str]]:
    """Rule, state, partition, resources and minutes of all jobs that were submitted in a folder."""
    fields = "WorkDir,Comment,State,Partition,ReqTRES,TimelimitRaw"
    rows = [row.split("|") for row in ask(slurm, "sacct", "-X", "-n", "-P", f"--format={fields}").splitlines()]
    return [[rule_of(comment), *more] for at, comment, *more in rows if Path(at) == folder]


def test_jobs_asked_for_what_the_profile_says(base: Path, slurm: dict[str, str]) -> None:
    asked = {rule: more for rule, state, *more in booked(slurm, base / "submitted") if state == "COMPLETED"}
    assert set(asked) == {
        "check", "baseline", "features", "correspondences", "coarse", "upsample", "score"
    }  # fmt: skip
    for rule, (partition, resources, minutes) in asked.items():
        own = {**PROFILE["default-resources"], **PROFILE["set-resources"].get(rule, {})}
        assert partition == own["slurm_partition"]
        assert minutes == own["runtime"].split()[0]
        given = dict(pair.split("=") for pair in resources.split(","))
        assert given["cpu"] == str(own["cpus_per_task"]) and given["mem"] == f"{own['mem_mb']}M"
        assert given.get("gres/gpu") == ("1" if rule in ("features", "upsample") else None)


def check_is_given_twice_the_time(slurm: dict[str, str], run: Run) -> str:
    """The first job ended at its limit, the second did the work; returns the messages."""
    status, said = run.end()
    assert status == 0 and (run.folder / CHECKED).exists(), said
    assert "Error in group check" in said, said
    first, second = booked(slurm, run.folder)
    minutes = int(PROFILE["default-resources"]["runtime"].split()[0])
    assert (first[1], second[1], second[-1]) == ("TIMEOUT", "COMPLETED", str(2 * minutes))
    return said


def test_a_job_at_its_time_limit_says_so_and_is_given_twice_the_time(slurm: dict[str, str], late: Run) -> None:
    said = check_is_given_twice_the_time(slurm, late)
    assert "DUE TO TIME LIMIT ***" in said + job_logs(late), said


def test_a_job_at_its_time_limit_before_it_began_is_given_twice_the_time(slurm: dict[str, str], unbegun: Run) -> None:
    """There may be no log then, so that SLURM's books alone say why it ended."""
    check_is_given_twice_the_time(slurm, unbegun)


def test_an_interrupted_run_leaves_no_job(base: Path, slurm: dict[str, str], late: Run) -> None:
    late.call.wait()
    (late.folder / CHECKED).unlink(missing_ok=True)
    with ending(start(late.folder, base, CHECKED, options=SUBMITTED, **variables(slurm, late.folder))) as run:
        running(slurm, "check", run)
        run.call.send_signal(signal.SIGINT)
        status, said = run.end()
    assert status != 0 and not ask(slurm, "squeue", "-h", "-t", "PENDING,RUNNING"), said
