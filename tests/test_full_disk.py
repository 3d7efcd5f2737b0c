"""A disk that is full or read-only: an error that names the file and says what to do, and nothing wrong is kept."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from bounded import forked
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import Manifest, add_array, add_maps, read_all, run_clips

RNG = np.random.default_rng(0)
MAPS = RNG.integers(0, 255, (6, 60, 80), np.uint8)
QUERIES = RNG.standard_normal((6, 8, 8, 16)).astype(np.float16)
ROWS = RNG.integers(0, 9, (600, 3)).astype(np.int32)
"""Of a clip, about 55 KB."""


def stage(folder: Path) -> list[str]:
    """A stage over the clips a and b; returns those that were made."""
    made: list[str] = []

    def work(name: str, file: h5py.File) -> None:
        maps = add_maps(file, "maps", len(MAPS), MAPS.shape[1:], np.uint8)
        queries = add_maps(file, "block7", len(QUERIES), QUERIES.shape[1:], np.float16)
        for frame in range(len(MAPS)):
            maps[frame], queries[frame] = MAPS[frame], QUERIES[frame]
        add_array(file, "rows", ROWS)
        made.append(name)

    run_clips("test", folder / "0000.json", ["a", "b"], lambda name: {"key": 1}, work)
    return made


def check(folder: Path) -> None:
    """The results are whole."""
    for name in Manifest.load(folder / "0000.json").digests:
        for array, values in (("maps", MAPS), ("block7", QUERIES), ("rows", ROWS)):
            np.testing.assert_array_equal(read_all(folder / f"{name}.h5", array), values)


def refused(folder: Path) -> str:
    """The error of a stage that cannot write; nothing half is left, and no manifest."""
    with pytest.raises(InputError) as caught:
        stage(folder)
    assert not (folder / "0000.json").exists() and not list(folder.glob(".*"))
    return str(caught.value)


@pytest.fixture(scope="module")
def size(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Bytes of a clip's result."""
    folder = tmp_path_factory.mktemp("whole")
    assert stage(folder) == ["a", "b"]
    check(folder)
    return (folder / "a.h5").stat().st_size


def test_wherever_a_file_cannot_grow_the_error_names_it(tmp_path: Path, size: int) -> None:
    """A limit on the size of files acts as a full disk, at any byte that one likes, without privileges."""

    def limited(limit: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        folder = tmp_path / str(limit)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        message = refused(folder)
        assert message.startswith(f"{folder}/a.") and "cannot be written (File too large); lift the limit" in message
        # The process goes on, as HDF5 must: once there is room, everything is written.
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert stage(folder) == ["a", "b"]
        check(folder)

    for limit in range(1, size, size // 37):
        assert forked(lambda limit=limit: limited(limit)) == 0, limit


MOUNTED = """
import os, sys
from pathlib import Path
import test_full_disk as disk

folder = Path(sys.argv[1])
def mount(*options):
    assert os.system(f"mount -t tmpfs {' '.join(options)} none {folder}") == 0
"""
FULL = """
mount("-o", f"size={int(1.5 * int(sys.argv[2])) // 4096 * 4096}")
message = disk.refused(folder)
assert message.startswith(f"{folder}/b.h5 cannot be written (No space left on device); free some space"), message
stamp = (folder / "a.h5").stat().st_mtime_ns
mount("-o", "remount,size=1m")
assert disk.stage(folder) == ["b"], "the finished clip is kept"
assert (folder / "a.h5").stat().st_mtime_ns == stamp
disk.check(folder)
"""
READ_ONLY = """
mount("-o", "ro")
message = disk.refused(folder / "new")
assert message.startswith(f"{folder}/new/a.h5 cannot be written (Read-only file system); make the folder writable")
mount("-o", "remount,rw")
disk.stage(folder / "new")
mount("-o", "remount,ro")
disk.check(folder / "new")
"""


@pytest.mark.parametrize("script", [FULL, READ_ONLY], ids=["full", "read-only"])
def test_a_disk_that_is_full_or_read_only(tmp_path: Path, size: int, script: str) -> None:
    """A small disk in memory, in a namespace of its own, so that it is gone however the test ends."""
    apart = ["unshare", "--map-root-user", "--user", "--mount"]
    attempt = [*apart, "mount", "-t", "tmpfs", "none", tmp_path]
    if shutil.which("unshare") is None or subprocess.run(attempt, check=False).returncode:
        pytest.skip("mounting a disk in memory is not allowed here (unshare --user --mount)")
    path = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    done = subprocess.run(
        [*apart, sys.executable, "-c", MOUNTED + script, tmp_path, str(size)], text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become a user who may not write in a folder of root's")
def test_a_folder_without_the_right_to_write(tmp_path: Path) -> None:
    def as_nobody() -> None:
        os.chdir(tmp_path)
        os.setresuid(65534, 65534, 65534)
        message = refused(Path("results/new"))
        assert message.startswith("results/new/a.h5 cannot be written (Permission denied); make the folder writable")

    tmp_path.chmod(0o755)
    (tmp_path / "results").mkdir(mode=0o755)
    assert forked(as_nobody) == 0
