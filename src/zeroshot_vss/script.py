"""What the files in scripts/ share: arguments in, errors out as one line."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zeroshot_vss.errors import InputError
from zeroshot_vss.stages.job import Job, read_job

COMPUTE_VARIABLE = "ZEROSHOT_VSS_COMPUTE"
"""Environment variable with the compute settings as JSON, which the workflow sets for its jobs."""


def run_stage(kind: type[Job], run: Callable[..., None]) -> None:
    """Run a stage with the command line `JOB PATH...`: a JSON text, then the paths that `run` takes."""
    told, *paths = sys.argv[1:]
    compute = os.environ.get(COMPUTE_VARIABLE, "{}")
    complain(lambda: run(read_job(kind, told, compute), *map(Path, paths)))


def complain(work: Callable[[], Any]) -> None:
    """Do `work`; an InputError ends the process with its message in place of a traceback."""
    try:
        work()
    except InputError as error:
        sys.exit(f"error: {error}")
