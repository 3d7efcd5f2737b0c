"""Results on disk: whole or not at all, the same bytes for the same content, done once."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import remove_partial
from zeroshot_vss.io.store import (
    Manifest,
    add_maps,
    content_digest,
    has_key,
    open_clip,
    read_all,
    run_clips,
    write_clip,
)

KEY = {"stage": "test", "settings": {"b": 2, "a": 1}}


def ramp(file: h5py.File) -> None:
    """Some content."""
    maps = add_maps(file, "maps", 2, (3, 4), np.uint8)
    maps[:] = np.arange(24).reshape(2, 3, 4)
    add_maps(file, "scores", 2, (3,), np.float16)[:] = 0.5


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.h5"
    write_clip(path, KEY, ramp)
    maps = read_all(path, "maps")
    assert maps.dtype == np.uint8
    np.testing.assert_array_equal(maps, np.arange(24).reshape(2, 3, 4))
    with h5py.File(path) as file:
        assert file["maps"].chunks == (1, 3, 4) and file["maps"].fletcher32  # pyright: ignore
    with open_clip(path) as file:
        assert file["maps"][1].tolist() == maps[1].tolist()
        assert "torch" in json.loads(str(file.attrs["versions"]))
    assert names(path.parent) == ["a.h5"]


def test_the_same_content_has_the_same_bytes(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.h5", KEY, ramp)
    write_clip(tmp_path / "b.h5", {"settings": {"a": 1, "b": 2}, "stage": "test"}, ramp)
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    def fail(file: h5py.File) -> None:
        ramp(file)
        raise RuntimeError("in the middle")

    path = tmp_path / "a.h5"
    with pytest.raises(RuntimeError):
        write_clip(path, KEY, fail)
    assert names(tmp_path) == []
    write_clip(path, KEY, ramp)
    before = path.read_bytes()
    with pytest.raises(RuntimeError):
        write_clip(path, KEY, fail)
    assert path.read_bytes() == before and names(tmp_path) == ["a.h5"]


def test_a_result_counts_when_it_is_whole_and_has_the_key(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    assert not has_key(path, KEY)
    write_clip(path, KEY, ramp)
    assert has_key(path, {"settings": {"a": 1, "b": 2}, "stage": "test"})
    assert not has_key(path, {**KEY, "weights": "others"})
    path.write_bytes(path.read_bytes()[:-100])
    assert not has_key(path, KEY)
    path.write_bytes(b"")
    assert not has_key(path, KEY)


def test_damaged_and_missing_results_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.h5 is missing or damaged .* delete it and its manifest"):
        open_clip(tmp_path / "a.h5")
    (tmp_path / "a.h5").write_bytes(b"nothing of use")
    with pytest.raises(InputError, match=r"a\.h5 is missing or damaged"):
        read_all(tmp_path / "a.h5", "maps")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"clips": 3}'])
def test_manifests_that_are_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "0000.json"
    with pytest.raises(InputError, match=r"0000\.json is no manifest"):
        Manifest.load(path)
    path.write_text(text)
    with pytest.raises(InputError, match=r"0000\.json is no manifest"):
        Manifest.load(path)


def test_manifests_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "new" / "0000.json"
    Manifest(path, {"b": "2", "a": "1"}).write()
    manifest = Manifest.load(path)
    assert manifest.digests == {"b": "2", "a": "1"} and manifest.file("a") == tmp_path / "new" / "a.h5"


def test_digests_are_of_what_a_result_has_key(tmp_path: Path) -> None:
    def write(name: str, key: int, values: list[int], dtype: str = "int32") -> str:
        write_clip(tmp_path / name, {"key": key}, lambda file: file.update({"maps": np.array(values, dtype)}))
        return content_digest(tmp_path / name)

    first = write("a.h5", 1, [1, 2, 3])
    assert write("b.h5", 2, [1, 2, 3]) == first
    assert write("c.h5", 1, [1, 2, 4]) != first
    assert write("d.h5", 1, [1, 2, 3], "int64") != first


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    ended = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True).stdout.strip()
    stale, alive = tmp_path / f".a.h5.{ended}.part", tmp_path / f".a.h5.{os.getpid()}.part"
    for path in (stale, alive, tmp_path / f".b.h5.{ended}.part"):
        path.write_bytes(b"half")
    remove_partial(tmp_path / "a.h5")
    assert names(tmp_path) == sorted([f".a.h5.{os.getpid()}.part", f".b.h5.{ended}.part"])


class Runs:
    """A stage over the clips a, b and c that counts what it does."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "0000.json"
        self.done: list[str] = []
        self.setting = 1
        self.source = Manifest(folder / "source.json", {"a": "1", "b": "2", "c": "3"})
        self.before: Callable[[str], None] = lambda name: None

    def work(self, name: str, file: h5py.File) -> None:
        self.before(name)
        self.done.append(name)
        file["name"] = name

    def __call__(self) -> dict[str, str]:
        """Run the stage; the clips done are then in `done`."""
        self.done.clear()
        run_clips(
            "test", self.path, ["a", "b", "c"], lambda name: {"setting": self.setting}, self.work, [self.source]
        )
        return Manifest.load(self.path).digests


def test_clips_are_done_once(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    first = runs()
    assert runs.done == ["a", "b", "c"] and list(first) == ["a", "b", "c"]
    stamp = (tmp_path / "a.h5").stat().st_mtime_ns
    assert runs() == first
    assert runs.done == [] and (tmp_path / "a.h5").stat().st_mtime_ns == stamp


def test_a_stopped_job_keeps_the_clips_that_are_whole(tmp_path: Path) -> None:
    def stop(name: str) -> None:
        if name == "b":
            raise KeyboardInterrupt

    runs = Runs(tmp_path)
    runs.before = stop
    with pytest.raises(KeyboardInterrupt):
        runs()
    assert names(tmp_path) == ["a.cost.json", "a.h5"], "no manifest without all clips, and no half clip"
    runs.before = lambda name: None
    runs()
    assert runs.done == ["b", "c"]


def test_clips_are_done_again_when_what_they_depend_on_changes(tmp_path: Path) -> None:
    runs = Runs(tmp_path)
    first = runs()
    runs.source.digests["b"] = "another"
    second = runs()
    assert runs.done == ["b"] and first == second, "what it holds is the same, so nothing after it is done again"
    runs.setting = 2
    runs()
    assert runs.done == ["a", "b", "c"]
    (tmp_path / "c.h5").write_bytes(b"damaged")
    runs()
    assert runs.done == ["c"]
