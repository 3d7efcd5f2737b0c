"""Costs beside results, and the tables made of them: efficiency and the settings that really ran."""

from __future__ import annotations

import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from zeroshot_vss.io.costs import Cost, cost_path, costs_of, measured, seconds_of
from zeroshot_vss.io.store import Manifest, results_of, run_clips
from zeroshot_vss.tables.efficiency import efficiency, efficiency_layout, frames_in
from zeroshot_vss.tables.used_settings import settings_layout, settings_of, settings_table


def write_stage(folder: Path, clips: dict[str, int], settings: dict[str, object]) -> Path:
    """A stage's manifest with label maps of so many frames for each clip."""

    def work(name: str, file: h5py.File) -> None:
        file["maps"] = np.zeros((clips[name], 4, 6), np.uint8)

    run_clips("test", folder / "0000.json", list(clips), lambda name: {"settings": settings}, work)
    return folder / "0000.json"


def put_cost(result: Path, cost: Cost) -> None:
    cost_path(result).write_text(cost.model_dump_json())


def test_a_block_is_measured_and_shared_time_is_shared(tmp_path: Path) -> None:
    result = tmp_path / "a.h5"
    with measured(result, 2):
        time.sleep(0.05)
    (cost,) = costs_of([result])
    assert 0.025 <= cost.seconds < 1 and cost.host_gib > 0.01


def test_seconds_are_shared_among_the_clips_done_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Table 4 is made of them. Two processes take two clips at a time, but no more than there are left to do."""
    clock = iter(range(0, 10_000, 12))
    monkeypatch.setattr("time.perf_counter", lambda: float(next(clock)))
    monkeypatch.setattr("zeroshot_vss.io.store.share", lambda items, do, _workers: [do(*item) for item in items])

    def work(_name: str, file: h5py.File) -> None:
        file["maps"] = np.zeros((1, 4, 6), np.uint8)

    def seconds(clips: list[str], workers: int) -> list[float]:
        run_clips("test", tmp_path / "0000.json", clips, lambda _: {}, work, workers=workers)
        return [cost.seconds for cost in costs_of(results_of([tmp_path / "0000.json"]))]

    assert seconds(["a"], 4) == [12]
    assert seconds(["a", "b", "c", "d"], 2) == [12, 6, 6, 6]
    assert seconds(["a", "b", "c", "d", "e", "f"], 8)[4:] == [6, 6]


def test_a_failed_block_leaves_no_cost(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), measured(tmp_path / "a.h5", 1):
        raise KeyboardInterrupt
    assert costs_of([tmp_path / "a.h5"]) == [] and seconds_of([tmp_path / "a.h5"]) is None


def test_a_clip_that_is_kept_keeps_its_cost(tmp_path: Path) -> None:
    manifest = write_stage(tmp_path, {"a": 2, "b": 3}, {})
    results = results_of([manifest])
    before = [cost_path(result).read_text() for result in results]
    write_stage(tmp_path, {"a": 2, "b": 3}, {})
    assert [cost_path(result).read_text() for result in results] == before


def test_efficiency_by_hand(tmp_path: Path) -> None:
    features = results_of([write_stage(tmp_path / "features", {"a": 2, "b": 3}, {})])
    maps = results_of([write_stage(tmp_path / "maps", {"a": 2, "b": 3}, {})])
    for result, seconds in zip([*features, *maps], (1, 1.5, 3, 4.5), strict=True):
        put_cost(result, Cost(seconds=seconds, host_gib=seconds, gpu_gib=None if seconds < 3 else 2 * seconds))
    frames = sum(map(frames_in, maps))
    assert frames == 5
    figures = efficiency(frames, {"features": features, "upsample": maps})
    assert figures["features s/frame"] == 0.5 and figures["upsample s/frame"] == 1.5 and figures["FPS"] == 0.5
    assert (figures["host GiB"], figures["GPU GiB"]) == (4.5, 9)
    size = sum(path.stat().st_size for path in [*features, *maps])
    assert figures["disk MiB/frame"] == pytest.approx(size / 2**20 / 5)


def test_costs_that_are_not_all_known_give_no_figure(tmp_path: Path) -> None:
    results = results_of([write_stage(tmp_path, {"a": 2, "b": 3}, {})])
    cost_path(results[0]).unlink()
    figures = efficiency(5, {"upsample": results})
    assert figures["upsample s/frame"] is None and figures["FPS"] is None
    import pandas as pd

    row = {"method": "Ours", "backbone": "tiny", "data set": "x", "frames": 5, **figures}
    assert efficiency_layout(pd.DataFrame([row])).loc[0, "FPS"] == ""


def test_settings_are_those_of_the_results(tmp_path: Path) -> None:
    manifest = write_stage(tmp_path, {"a": 1}, {"clusters": 20, "batches": {"size": 14}, "filter": None})
    settings = settings_of(Manifest.load(manifest).file("a"))
    assert settings == {"clusters": 20, "batches.size": 14, "filter": None}
    other = {"clusters": 30, "batches.size": 14}
    table = settings_table([("one", {"coarse": settings}), ("two", {"coarse": other})])
    wide = settings_layout(table).set_index("setting")
    assert list(wide.columns) == ["stage", "one", "two"]
    assert list(wide.loc["clusters"]) == ["coarse", "20", "30"]
    assert list(wide.loc["filter"]) == ["coarse", "null", ""]
