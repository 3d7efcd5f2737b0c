"""Who is alone in a folder, shown with real processes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from zeroshot_vss.machine import liveness

PROGRAM = """
import sys
from pathlib import Path
from zeroshot_vss.machine.liveness import enter
print(enter(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


def start(lock: Path) -> tuple[subprocess.Popen[str], bool]:
    """A process that enters and stays; whether it was alone."""
    call = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(lock)], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert call.stdout is not None
    return call, {"True\n": True, "False\n": False}[call.stdout.readline()]


def test_the_kernel_knows_who_is_alive(tmp_path: Path) -> None:
    lock = tmp_path / ".snakemake" / "alive.lock"
    first, alone = start(lock)
    assert alone
    second, alone = start(lock)
    assert not alone
    first.kill()
    first.wait()
    third, alone = start(lock)
    assert not alone, "the second still lives"
    for call in (second, third):
        call.kill()
        call.wait()
    fourth, alone = start(lock)
    assert alone, "killed processes hold nothing"
    fourth.communicate("")


def test_without_locks_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(lock: int, how: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(liveness.fcntl, "flock", refuse)
    assert not liveness.enter(tmp_path / "alive.lock")
