"""The workflow run quietly: progress in place of Snakemake's words, and a failure as one line."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from zeroshot_vss.config import read_config
from zeroshot_vss.config.read import load_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.progress import EVERY, EVERY_VARIABLE, Done, clock
from zeroshot_vss.workflow.plan import Plan

OFTEN = "0.5"
"""Seconds between the lines of progress that are read here."""
ERROR = "error: "
"""What the one line begins with that a job ends with."""
LOCKED = "LockException"


def run_quietly(targets: Sequence[str], configs: Sequence[Path], home: Path, cores: int) -> None:
    """Make targets of the workflow in its folder.

    Args:
        targets: as for `snakemake`.
        configs: laid over the shipped configuration in this order.
        home: folder of the workflow, whose `results` are used.
        cores: CPU cores.

    Raises:
        InputError: with the one line of what went wrong.
    """
    os.chdir(home)
    plan = Plan(read_config(load_config(configs, home)))
    for target in targets:
        if target.startswith("results/"):
            plan.target(target)
    laid = ["--configfile", *map(str, configs)] if configs else []
    call = [sys.executable, "-m", "snakemake", "--snakefile", str(home / "Snakefile"), "--cores", str(cores),
            "--quiet", "all", *laid, "--", *targets]  # fmt: skip
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {**os.environ, "PATH": path, EVERY_VARIABLE: OFTEN, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        call, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        last = show(process.stdout)
    if process.returncode:
        raise InputError(_reason(last))


def show(lines: Iterable[str]) -> list[str]:
    """Show the progress in the output of a run; returns its last other lines."""
    console = Console(stderr=True, soft_wrap=True)
    last: deque[str] = deque(maxlen=200)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TextColumn("{task.fields[left]}"))  # fmt: skip
    tasks: dict[str, TaskID] = {}
    said = time.monotonic()
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:
        for line in lines:
            step = Done.read(line)
            if step is None:
                last.append(line.rstrip())
                continue
            if step.title not in tasks:
                tasks[step.title] = bars.add_task(step.title, total=step.total, left="")
            left = "" if step.left is None or step.done == step.total else f"{clock(step.left)} left"
            bars.update(tasks[step.title], completed=step.done, left=left)
            now = time.monotonic()
            if not console.is_terminal and (step.done == step.total or now - said >= EVERY):
                console.print(step.line(), markup=False, highlight=False)
                said = now
    return list(last)


def _reason(last: Sequence[str]) -> str:
    """The one line that says why a run failed."""
    errors = [line[len(ERROR) :] for line in last if line.startswith(ERROR)]
    if errors:
        return errors[0]
    if any(LOCKED in line for line in last):
        return "another run works in this folder; wait until it has ended"
    spoken = [line.strip() for line in last if line.strip() and not line.startswith((" ", "\t"))]
    return (
        f"the workflow failed ({spoken[-1] if spoken else 'it said nothing'}); see the newest file in .snakemake/log"
    )
