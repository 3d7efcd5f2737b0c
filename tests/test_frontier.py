"""The frontier of quality and speed, from label maps, scores and costs that are written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from test_statistics import semantic
from zeroshot_vss.io.costs import Cost, cost_path
from zeroshot_vss.io.store import Manifest, content_digest, write_clip
from zeroshot_vss.jobs.base import DataSetSpec, Parts
from zeroshot_vss.metrics.scores import save_clips
from zeroshot_vss.metrics.statistics import resample
from zeroshot_vss.stages.frontier import run
from zeroshot_vss.tables.efficiency import EfficiencyRow
from zeroshot_vss.tables.frontier import FrontierJob, frontier_layout, on_frontier

CLIPS, FRAMES = ("scene-0000", "scene-0001"), 2
SCENES = DataSetSpec(name="scenes", kind="scenes", options={"split": "test", "count": 2, "frames": FRAMES})


def written(folder: Path, maps: np.ndarray, seconds: float) -> Parts:
    """A manifest with the same maps for each clip, each of which took `seconds`."""
    folder.mkdir()

    def fill(file: h5py.File) -> None:
        file["maps"] = maps

    for name in CLIPS:
        path = folder / f"{name}.h5"
        write_clip(path, {}, fill)
        cost_path(path).write_text(Cost(seconds=seconds, host_gib=1).model_dump_json())
    manifest = Manifest(folder / "0000.json", {name: content_digest(folder / f"{name}.h5") for name in CLIPS})
    manifest.write()
    return Parts(folder=str(folder), parts=("0000",))


def row(method: str, **stages: Parts) -> EfficiencyRow:
    return EfficiencyRow(method=method, backbone="tiny", dataset="scenes", stages=stages)


def frontier_job(folder: Path, rows: tuple[EfficiencyRow, ...], **more: Any) -> FrontierJob:
    """A job that writes to a folder."""
    files = {suffix: str(folder / f"fast.{suffix}") for suffix in ("csv", "png", "pdf")}
    return FrontierJob(**{"title": "", "rows": rows, "datasets": {}, "scores": (), **files, **more})


@pytest.fixture
def made(tmp_path: Path) -> FrontierJob:
    """Two rows: the second is four times as fast, 1 of 20 pixels differs."""
    exact = np.zeros((FRAMES, 5, 4), np.uint8)
    other = exact.copy()
    other[:, 2, 3] = 1
    coarse = written(tmp_path / "coarse", exact, 0.5)
    rows = (
        row("Ours", coarse=coarse, upsample=written(tmp_path / "exact", exact, 7.5)),
        row("Fast", coarse=coarse, upsample=written(tmp_path / "fast", other, 1.5)),
    )
    scores: list[Path] = []
    for name, miou in (("exact", 0.6), ("fast", 0.57)):
        scores.append(tmp_path / f"{name}.json")
        scores[-1].write_text(
            json.dumps({"protocol": "vspw", "clips": 2, "frames": 4, "miou": miou, "mvc8": None, "boundary_f": 0.4})
        )
        save_clips(scores[-1].with_suffix(".npz"), semantic(len(scores), 2))
    named = tuple(map(str, scores))
    return frontier_job(tmp_path, rows, title="Fast mode", datasets={"scenes": SCENES}, scores=named)


def test_the_table(made: FrontierJob) -> None:
    run(made)
    table: Any = pd.read_csv(made.csv).set_index("method")
    assert table.loc["Ours", "changed pixels"] == 0 and table.loc["Fast", "changed pixels"] == pytest.approx(5)
    # Two clips of two frames: 16 seconds, and 4.
    assert table["FPS"].tolist() == pytest.approx([4 / 16, 1]) and table["speed-up"].tolist() == pytest.approx([1, 4])
    assert table["upsample s/frame"].tolist() == pytest.approx([15 / 4, 3 / 4])
    assert table["mIoU"].tolist() == [60, 57] and table["mVC8"].isna().all()
    lines = Path(made.csv).with_suffix(".md").read_text().splitlines()
    cells = [cell.strip() for cell in lines[5].split("|")]
    low, high = (100 * end for end in resample(semantic(2, 2)).interval("miou"))
    assert table.loc["Fast", ["mIoU low", "mIoU high"]].tolist() == pytest.approx([low, high], abs=0.006)
    assert cells[1:5] == ["Fast", "tiny", "scenes", f"57.0 [{low:.1f}, {high:.1f}]"] and "5.0" in cells
    with Image.open(made.png) as picture:
        assert len(np.unique(np.asarray(picture.convert("L")))) > 50
    assert Path(made.pdf).stat().st_size > 1000 and all(Path(path).is_file() for path in made.outputs())


def test_costs_that_are_lost_leave_no_speed(made: FrontierJob, tmp_path: Path) -> None:
    cost_path(tmp_path / "fast" / "scene-0001.h5").unlink()
    run(made)
    table = pd.read_csv(made.csv)
    assert table["FPS"].isna().tolist() == [False, True]
    assert frontier_layout(table)["FPS"].tolist() == ["0.25", ""]


def test_rows_that_another_beats_are_off_the_frontier() -> None:
    table = pd.DataFrame(
        {"backbone": ["a", "a", "a", "a", "b"], "data set": "s", "FPS": [1, 2, 2, 4, 0.1],
         "mIoU": [60, 59, 58, 50, 10]}
    )  # fmt: skip
    assert on_frontier(table, ["backbone", "data set"]) == [True, True, False, True, True]


def test_each_backbone_and_data_set_has_a_reference() -> None:
    rows = (row("Ours"), row("Fast"), row("Ours").model_copy(update={"backbone": "video"}))
    job = frontier_job(Path(), rows)
    assert [job.reference(index) for index in range(3)] == [0, 0, 2]


def test_backbones_can_be_compared_in_place_of_methods() -> None:
    half = {"backbone": "half"}
    rows = (
        row("Ours"),
        row("Bilinear"),
        row("Ours").model_copy(update=half),
        row("Bilinear").model_copy(update=half),
    )
    job = frontier_job(Path(), rows, compared="backbone")
    assert [job.reference(index) for index in range(4)] == [0, 1, 0, 1] and job.panel == ["method", "data set"]
