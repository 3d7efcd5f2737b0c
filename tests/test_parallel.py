"""Clips shared among processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.parallel import share

FORKED = """
import sys
import cv2
import numpy as np
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.machine.parallel import share
from zeroshot_vss.machine.runtime import prepare

prepare(Compute(device="cpu", threads=2))
picture = np.random.default_rng(0).random((1500, 1500), np.float32)

def work(name):
    for _ in range(3):
        cv2.resize(picture, (2500, 2500), interpolation=cv2.INTER_CUBIC)
    print(name, cv2.getNumThreads(), flush=True)

work("parent")
share([("a",), ("b",), ("c",)], work, 2)
"""


def test_every_item_is_done_once(tmp_path: Path) -> None:
    def do(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"{text} {os.getpid()}")

    share([(f"{index}", "by") for index in range(5)], do, 2)
    actual = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert sorted(actual) == list("01234")
    assert len(set(actual.values())) == 2 and f"by {os.getpid()}" not in actual.values()


def test_a_failed_process_is_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    def do(name: str) -> None:
        if name == "b":
            raise InputError("clip 'b' is broken")

    with pytest.raises(InputError, match="1 of 2 processes failed"):
        share([("a",), ("b",)], do, 2)
    assert "error: clip 'b' is broken" in capfd.readouterr().err


def test_a_killed_process_is_an_error() -> None:
    def do(name: str) -> None:
        if name == "b":
            os.kill(os.getpid(), 9)

    with pytest.raises(InputError, match=r"1 of 2 processes failed \(exit status -9\)"):
        share([("a",), ("b",)], do, 2)


def test_opencv_in_the_parent_does_not_hang_its_children() -> None:
    """Its threads would be missing after the fork; `prepare` keeps it from starting any."""
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=60, check=True)
    assert sorted(done.stdout.split("\n")[:-1]) == ["a 1", "b 1", "c 1", "parent 1"]
