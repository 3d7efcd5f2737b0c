"""Running one job: `python scripts/stage.py STAGE JOB`. Errors end it with one line."""

from __future__ import annotations

import errno
import importlib
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from typing import Any

from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs import JOBS
from zeroshot_vss.jobs.base import Job, read_job
from zeroshot_vss.workflow.targets import write_record

COMPUTE_VARIABLE = "ZEROSHOT_VSS_COMPUTE"
"""Environment variable with the compute settings as JSON, which the workflow sets for its jobs."""

OUT_OF_MEMORY = "OutOfMemoryError"
"""Name of torch's exception, which stages without torch need not import."""


def main(arguments: Sequence[str]) -> None:
    """Run the stage named by the first argument on the job that the second one holds as JSON."""
    signal.signal(signal.SIGTERM, _stop)
    stage, text = arguments
    one_line_errors(lambda: run(read_job(JOBS.load(stage), text, os.environ.get(COMPUTE_VARIABLE, "{}"))))


def run(job: Job) -> None:
    """Do a job and keep the record of what it was made from.

    Raises:
        InputError: as the stage says; or the code is not what it was when the job was planned.
    """
    job.check_code()
    importlib.import_module(f"zeroshot_vss.stages.{job.stage}").run(job)
    write_record(job)


def one_line_errors(work: Callable[[], Any]) -> None:
    """Do `work`; an InputError ends the process with its message in place of a traceback, as memory that runs out."""
    try:
        work()
    except InputError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        where = error.filename or f"the folder of temporary files ({tempfile.gettempdir()}; TMPDIR sets it)"
        sys.exit(f"error: there is no room left for {where}; free some and run again: finished clips are kept")
    except (RuntimeError, MemoryError) as error:
        where = _out_of_memory(error)
        if where is None:
            raise
        reason = (str(error).splitlines() or ["no more was said"])[0]
        sys.exit(
            f"error: {where} is out of memory ({reason}); set compute.frames_at_once and compute.memory lower, then "
            "run again: finished clips are kept"
        )


def _out_of_memory(error: Exception) -> str | None:
    """What ran out of memory; None for other errors. On a CPU torch raises a plain RuntimeError."""
    if isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error):
        return "this machine"
    return "the GPU" if type(error).__name__ == OUT_OF_MEMORY else None


def _stop(number: int, frame: object) -> None:
    """On a time limit, end as after an error: nothing half is left behind, and no process of this one's goes on."""
    sys.exit("error: stopped by a signal (SIGTERM), as on a time limit; run again: finished clips are kept")
