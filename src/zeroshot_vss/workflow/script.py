"""What the files in scripts/ share: arguments in, errors out as one line."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.base import Job, read_job

COMPUTE_VARIABLE = "ZEROSHOT_VSS_COMPUTE"
"""Environment variable with the compute settings as JSON, which the workflow sets for its jobs."""


OUT_OF_MEMORY = "OutOfMemoryError"
"""Name of torch's exception, which stages without torch need not import."""


def run_stage(kind: type[Job], run: Callable[..., None]) -> None:
    """Run a stage with the command line `JOB PATH...`: a JSON text, then the paths that `run` takes."""
    signal.signal(signal.SIGTERM, _stop)
    told, *paths = sys.argv[1:]
    compute = os.environ.get(COMPUTE_VARIABLE, "{}")
    complain(lambda: run(read_job(kind, told, compute), *map(Path, paths)))


def complain(work: Callable[[], Any]) -> None:
    """Do `work`; an InputError ends the process with its message in place of a traceback, as memory that runs out."""
    try:
        work()
    except InputError as error:
        sys.exit(f"error: {error}")
    except (RuntimeError, MemoryError) as error:
        if not isinstance(error, MemoryError) and type(error).__name__ != OUT_OF_MEMORY:
            raise
        where = "this machine" if isinstance(error, MemoryError) else "the GPU"
        reason = (str(error).splitlines() or ["no more was said"])[0]
        sys.exit(
            f"error: {where} is out of memory ({reason}); set compute.frames_at_once and compute.memory lower, then "
            "run again: finished clips are kept"
        )


def _stop(number: int, frame: object) -> None:
    """On a time limit, end as after an error: nothing half is left behind, and no process of this one's goes on."""
    sys.exit("error: stopped by a signal (SIGTERM), as on a time limit; run again: finished clips are kept")
