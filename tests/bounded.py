"""A test body in a process of its own, with limits on its time and memory; it may crash without ending the tests."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable
from pathlib import Path

GIB = 2**30


def forked(work: Callable[[], None]) -> int:
    """Do something in a process of its own, which may crash; its exit status."""
    process = os.fork()
    if not process:
        status = 1
        try:
            work()
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def bounded(work: Callable[[], None], seconds: int = 120, gib: float = 1.0) -> None:
    """Do `work` in a forked process.

    Args:
        work: what to do; a failed assertion shows its traceback in the test's output.
        seconds: of computing, after which the process is killed.
        gib: GiB of memory beyond what this process has.

    Raises:
        AssertionError: it failed, crashed, or took more.
    """

    def limited() -> None:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = pages * resource.getpagesize() + int(gib * GIB)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
        spent = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
        resource.setrlimit(resource.RLIMIT_CPU, (int(spent) + seconds, int(spent) + seconds))
        work()

    status = forked(limited)
    assert status == 0, f"the process ended with {status}, see its output"
