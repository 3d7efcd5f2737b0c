"""The processes of a training end with the one that started them."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

PROGRAM = """
import os, sys, time
from pathlib import Path
from zeroshot_vss.training.processes import spawn

def sleeps(rank, path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(120)

if __name__ == "__main__":
    spawn(sleeps, (sys.argv[1],), 1, Path(sys.argv[1] + ".rendezvous"))
"""


def test_a_killed_training_leaves_no_process(tmp_path: Path) -> None:
    """Also one that was started in the background by a shell, where interrupts are ignored."""
    program, told = tmp_path / "program.py", tmp_path / "pid"
    program.write_text(PROGRAM)
    ignored = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    parent = subprocess.Popen([sys.executable, program, told], preexec_fn=ignored)  # noqa: PLW1509
    try:
        _wait(lambda: told.exists() and bool(told.read_text()), "the process did not start")
        child = int(told.read_text())
        parent.kill()
        parent.wait()
        _wait(lambda: not _runs(child), "the process went on")
    finally:
        parent.kill()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait(done, message: str, seconds: float = 60) -> None:
    for _ in range(int(seconds * 20)):
        if done():
            return
        time.sleep(0.05)
    raise AssertionError(message)
