"""Jobs that share a machine take different GPUs: real processes, devices in name only."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from workflow_copy import ROOT
from zeroshot_vss.machine import runtime
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.machine.devices import take

HOLDER = """
import sys
from pathlib import Path
from zeroshot_vss.machine.devices import take
print(take(sys.argv[2:], Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""
TWO = ("GPU-a", "GPU-b")

JOBS = """
rule all:
    input: expand("{job}.txt", job=range(4))
rule job:
    output: "{job}.txt"
    resources: gpu=1
    shell: "python hold.py {output}"
"""
HOLD = f"""
import sys, time
from pathlib import Path
from zeroshot_vss.machine.devices import take
device = take({TWO!r}, Path("locks"))
began = time.time()
time.sleep(1)
Path(sys.argv[1]).write_text(f"{{device}} {{began}} {{time.time()}}")
"""


@contextmanager
def holder(folder: Path, *devices: str) -> Iterator[subprocess.Popen[str]]:
    """A process that takes one of the devices, prints which and holds it."""
    call = [sys.executable, "-c", HOLDER, str(folder), *devices]
    pipe = subprocess.PIPE
    with subprocess.Popen(call, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_each_process_has_a_device_of_its_own(tmp_path: Path) -> None:
    with holder(tmp_path, *TWO) as one, holder(tmp_path, *TWO) as other:
        assert sorted([line(one), line(other)]) == ["0", "1"]


def test_a_process_waits_until_a_holder_dies(tmp_path: Path) -> None:
    with holder(tmp_path, *TWO) as one, holder(tmp_path, *TWO) as other:
        held = {line(one): one, line(other): other}
        with holder(tmp_path, *TWO) as late:
            assert late.stderr is not None
            said = late.stderr.readline()
            assert "all 2 GPUs are held" in said and str(one.pid) in said and str(other.pid) in said
            time.sleep(0.5)
            assert late.poll() is None
            # Killed without a chance to clean up.
            held["1"].kill()
            assert line(late) == "1"


def test_the_same_index_of_different_devices_is_no_conflict(tmp_path: Path) -> None:
    with holder(tmp_path, "GPU-a") as one, holder(tmp_path, "GPU-b") as other:
        assert (line(one), line(other)) == ("0", "0")


def test_what_others_may_not_see_is_private(tmp_path: Path) -> None:
    assert take(TWO, tmp_path / "locks") == 0
    assert (tmp_path / "locks").stat().st_mode & 0o777 == 0o700


@pytest.fixture
def gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[torch.device]:
    """PyTorch sees two GPUs; gives the devices that are made current."""
    current: list[torch.device] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(TWO))
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=TWO[index]))
    monkeypatch.setattr(torch.cuda, "set_device", current.append)
    monkeypatch.setattr(runtime, "lock_folder", lambda: tmp_path)
    runtime._own.cache_clear()
    return current


def test_a_network_takes_the_free_gpu_and_keeps_it(gpus: list[torch.device], tmp_path: Path) -> None:
    with holder(tmp_path, *TWO) as other:
        assert line(other) == "0"
        # A process that asks again is not in its own way.
        assert [str(runtime.prepare(Compute(), network=True)) for _ in range(2)] == ["cuda:1", "cuda:1"]
    assert {str(device) for device in gpus} == {"cuda:1"}


def test_a_job_without_a_network_never_waits(gpus: list[torch.device], tmp_path: Path) -> None:
    with holder(tmp_path, *TWO) as one, holder(tmp_path, *TWO) as other:
        assert {line(one), line(other)} == {"0", "1"}
        assert str(runtime.prepare(Compute())) == f"cuda:{os.getpid() % 2}"
        assert str(runtime.prepare(Compute(device="cuda:1"), network=True)) == "cuda:1"


def test_snakemake_runs_two_gpu_jobs_at_a_time_on_different_gpus(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text(JOBS)
    (tmp_path / "hold.py").write_text(HOLD)
    profile = str(ROOT / "profiles" / "default")
    call = [sys.executable, "-m", "snakemake", "--workflow-profile", profile, "--cores", "8", "--resources", "gpu=2"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        call, cwd=tmp_path, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path}
    )
    assert done.returncode == 0, done.stderr
    ran = [path.read_text().split() for path in sorted(tmp_path.glob("*.txt"))]
    spans = [(device, float(began), float(ended)) for device, began, ended in ran]
    together = [(a, b) for i, a in enumerate(spans) for b in spans[:i] if a[1] < b[2] and b[1] < a[2]]
    assert len(spans) == 4 and together, spans
    assert all(a[0] != b[0] for a, b in together), spans
    assert max(sum(a[1] <= b[1] < a[2] for a in spans) for b in spans) == 2, "two at a time, not more"
