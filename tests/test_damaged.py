"""Results that were damaged after they were written: noticed wherever they are read, and made again."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stage_jobs import Step, contents, plan_of, run, steps_of
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import add_array, add_maps, content_digest, open_clip, read_all, write_clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.workflow.plan import Plan

MAPS = np.random.default_rng(0).integers(0, 200, (4, 12, 16), np.uint8)
QUERIES = np.random.default_rng(1).standard_normal((4, 6, 8, 16)).astype(np.float16)
ROWS = np.array([[0, 0, 0], [1, 1, 0], [2, 2, 0], [3, 3, 0]], np.int32)


def fill(file: h5py.File) -> None:
    """What the feature stage writes, and label maps."""
    queries = add_maps(file, "block7", len(QUERIES), QUERIES.shape[1:], np.float16)
    maps = add_maps(file, "maps", len(MAPS), MAPS.shape[1:], np.uint8)
    for frame in range(len(MAPS)):
        queries[frame], maps[frame] = QUERIES[frame], MAPS[frame]
    add_array(file, "rows", ROWS)


def read_everything(path: Path) -> list[bytes]:
    """All that stages read of a result."""
    with FeatureCache(path) as cache, open_clip(path) as file:
        tokens = cache.tokens(7, [Row(*map(int, row)) for row in ROWS])
        read = [tokens, *(data[()] for _, data in file.items()), *(file["maps"][frame] for frame in range(4))]
        return [np.asarray(part).tobytes() for part in read] + [repr(file.attrs).encode()]


def test_no_flipped_bit_is_ever_read(tmp_path: Path) -> None:
    """Each byte of a result in turn: it is noticed, or it is one that holds nothing."""
    path = tmp_path / "a.h5"
    write_clip(path, {"key": 1}, fill)
    whole, expected, digest = path.read_bytes(), read_everything(path), content_digest(path)
    noticed = 0
    for place in range(0, len(whole), 13):
        hurt = bytearray(whole)
        hurt[place] ^= 1 << place % 8
        path.write_bytes(hurt)
        try:
            assert read_everything(path) == expected and content_digest(path) == digest, place
        except InputError as error:
            assert str(error).startswith(f"{path} is missing or damaged ("), place
            noticed += 1
    # Each of the arrays' bytes is among them.
    assert noticed * 13 > 0.95 * (QUERIES.nbytes + MAPS.nbytes)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_cut_short(tmp_path: Path, share: float) -> None:
    path = tmp_path / "a.h5"
    write_clip(path, {"key": 1}, fill)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    (tmp_path / "0003.json").write_text('{"clips": {"a": "1", "b": "2"}}')
    (tmp_path / "0004.json").write_text('{"clips": {"c": "3"}}')
    for read in (open_clip, FeatureCache, content_digest, lambda path: read_all(path, "maps")):
        with pytest.raises(InputError) as caught:
            read(path)
        assert "delete it and its manifest (0003.json) and run again" in str(caught.value)


def other(**values: Any) -> Callable[[h5py.File], None]:
    """A sound file that holds something else."""
    return lambda file: file.update(values)


@pytest.mark.parametrize(
    "content",
    [
        other(),
        other(rows=ROWS),
        other(block7=QUERIES),
        other(rows=ROWS[:0], block7=QUERIES),
        other(rows=np.array([["a", "b", "c"]], "S1"), block7=QUERIES),
        other(rows=ROWS[:, :2], block7=QUERIES),
        other(rows=ROWS, block7=QUERIES[0]),
        other(rows=ROWS, block7=QUERIES, block8=QUERIES[:, 1:]),
        other(rows=3, block7=QUERIES),
        lambda file: file.create_group("rows") and file.create_group("block7"),
    ],
    ids=["nothing", "no blocks", "no rows", "no row", "text", "columns", "no grid", "two grids", "number", "groups"],
)  # fmt: skip
def test_files_that_are_no_cache_of_features(tmp_path: Path, content: Callable[[h5py.File], None]) -> None:
    path = tmp_path / "a.h5"
    write_clip(path, {"key": 1}, content)
    with pytest.raises(InputError, match=r"a\.h5 is missing or damaged \(.*\); delete it and its manifest"):
        FeatureCache(path)


# In whole jobs


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return plan_of(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def steps(plan: Plan) -> dict[str, Step]:
    """The last job of each stage."""
    return {step.stage: step for step in steps_of(plan)}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, plan: Plan, steps: dict[str, Step]) -> Path:
    """The stages up to the coarse maps, finished."""
    folder = tmp_path_factory.mktemp("whole")
    for stage in ("check", "features", "correspondences", "coarse"):
        assert run(steps[stage], folder, plan) == 0, (folder / "said.txt").read_text()
    return folder


def flip(path: Path) -> None:
    """Change one bit in the middle, where the queries are."""
    hurt = bytearray(path.read_bytes())
    hurt[len(hurt) // 2] ^= 4
    path.write_bytes(hurt)


def cut(path: Path) -> None:
    """Leave the first half."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("damage", [flip, cut, Path.unlink])
def test_a_stage_says_which_cache_is_damaged_and_its_advice_mends_it(
    whole: Path, plan: Plan, steps: dict[str, Step], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(whole / "results", tmp_path / "results")
    queries, coarse = (Path(steps[stage].outputs[0]) for stage in ("features", "coarse"))
    shutil.rmtree(tmp_path / coarse.parent)
    hurt, sound = (tmp_path / queries.parent / f"{clip}.h5" for clip in ("4_miniature", "3_miniature"))
    kept = sound.stat().st_mtime_ns
    damage(hurt)
    assert run(steps["coarse"], tmp_path, plan) == 1
    said = (tmp_path / "said.txt").read_text()
    assert f"error: {hurt.relative_to(tmp_path)} is missing or damaged (" in said and "Traceback" not in said
    assert "delete it and its manifest (0000.json)" in said
    assert not (tmp_path / coarse).exists(), "no manifest of coarse maps that are not all there"
    hurt.unlink(missing_ok=True)
    (tmp_path / queries).unlink()
    for stage in ("features", "coarse"):
        assert run(steps[stage], tmp_path, plan) == 0
    assert contents(tmp_path) == contents(whole) and sound.stat().st_mtime_ns == kept


@pytest.mark.parametrize("damage", [flip, cut])
def test_a_job_that_is_run_again_makes_a_damaged_clip_again_and_keeps_the_others(
    whole: Path, plan: Plan, steps: dict[str, Step], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(whole / "results", tmp_path / "results")
    folder = (tmp_path / steps["features"].outputs[0]).parent
    kept = (folder / "3_miniature.h5").stat().st_mtime_ns
    damage(folder / "4_miniature.h5")
    assert run(steps["features"], tmp_path, plan) == 0
    assert contents(tmp_path) == contents(whole) and (folder / "3_miniature.h5").stat().st_mtime_ns == kept
