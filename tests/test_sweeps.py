"""Sweeps: a method with one setting at several values, as rows of their own; and other systems' predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from zeroshot_vss.stages.predictions import run as score_predictions

from miniatures import write_vspw
from test_config import shipped
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.config.sweeps import SweepConfig
from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.score import PredictionsJob
from zeroshot_vss.stages.sweep import run as run_sweep
from zeroshot_vss.tables.quality import TableRow
from zeroshot_vss.tables.sweep import SweepJob, SweepPoint, sweep_table
from zeroshot_vss.workflow.plan import Plan

WORDS: dict[str, Any] = {
    "title": "T", "axis": "K", "method": "ours", "datasets": ("scenes",), "backbones": ("scenes-tiny",)
}  # fmt: skip


def test_values_become_overrides() -> None:
    sweep = SweepConfig(**WORDS, parameter="upsampling.filter", values=(0.5, 1, None))
    assert sweep.overrides() == {
        "0.5": {"upsampling": {"filter": 0.5}}, "1": {"upsampling": {"filter": 1}},
        "none": {"upsampling": {"filter": None}},
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{}, {"parameter": "seed"}, {"parameter": "seed", "values": (1,), "variants": {"1": {}}}, {"values": (1,)}],
)
def test_a_sweep_has_values_or_variants(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="either a parameter with values, or variants"):
        SweepConfig(**WORDS, **wrong)


def test_points_are_rows_that_share_what_they_can() -> None:
    plan = Plan(read_config(shipped()))
    rows = plan.sweep_rows("clusters")
    names = [row.name for row in rows]
    assert names[:2] == ["ours-bilinear~clusters=5@scenes-tiny", "ours-bilinear~clusters=10@scenes-tiny"]
    stages = [plan.stages(row) for row in rows if row.backbone == "scenes-tiny"]
    assert len({tuple(s["features"]) for s in stages}) == len({tuple(s["correspondences"]) for s in stages}) == 1
    assert len({tuple(s["coarse"]) for s in stages}) == len(stages) == 4
    # K = 20 is the method itself.
    own = plan.stages(plan.row("scenes", "ours-bilinear", "scenes-tiny"))
    assert own == stages[2]


def test_a_point_that_does_not_fit_is_named() -> None:
    values = merge(shipped(), {"sweeps": {"bad": {**WORDS, "parameter": "context.clusters", "values": ["many"]}}})
    with pytest.raises(InputError, match=r"ours~bad=many with backbone scenes-tiny.*context\.clusters"):
        Plan(read_config(values))


def point(label: str) -> SweepPoint:
    row = TableRow(method="Ours", backbone="tiny", supervision="zero-shot", dataset="scenes", key=("ours", "t", "s"))
    return SweepPoint(label=label, row=row)


JOB = SweepJob(title="Clusters", axis="K", figures=("miou", "mvc8"), points=(point("5"), point("10")))


def test_the_table_has_standard_errors_over_clips() -> None:
    pooled = [
        {"miou": 0.5, "mvc8": None, "protocol": "vspw", "clips": 3},
        {"miou": 0.25, "protocol": "vspw", "clips": 1},
    ]
    clips = [pd.DataFrame({"miou": [0.1, 0.2, 0.6]}), pd.DataFrame({"miou": [0.25]})]
    table = sweep_table(JOB, pooled, clips).set_index(["K", "figure"])
    assert table.loc[("5", "mIoU"), "value"] == 50
    # Standard deviation sqrt(0.07) over three clips.
    assert table.loc[("5", "mIoU"), "standard error"] == pytest.approx(100 * np.sqrt(0.07 / 3), abs=0.01)
    assert pd.isna(table.loc[("5", "mVC8"), "value"]) and pd.isna(table.loc[("10", "mIoU"), "standard error"])


def test_the_plot_is_the_same_file_each_time(tmp_path: Path) -> None:
    paths = []
    for label in ("5", "10"):
        paths.append(tmp_path / f"{label}.json")
        paths[-1].write_text(json.dumps({"miou": 0.5, "mvc8": 0.75, "protocol": "vspw", "clips": 2, "frames": 8}))
        pd.DataFrame({"clip": ["a", "b"], "frames": 4, "miou": [0.4, 0.6], "mvc8": [0.7, 0.8]}).to_csv(
            paths[-1].with_suffix(".csv")
        )
    made = []
    for name in ("one", "two"):
        csv, png, pdf = (tmp_path / f"{name}.{suffix}" for suffix in ("csv", "png", "pdf"))
        run_sweep(JOB, csv, png, pdf, paths)
        made.append([path.read_bytes() for path in (csv, png, pdf)])
    assert made[0] == made[1]
    with Image.open(tmp_path / "one.png") as picture:
        assert min(picture.size) > 300 and len(np.unique(np.asarray(picture.convert("L")))) > 50


def test_other_systems_are_published_until_a_folder_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    root, predictions = tmp_path / "data", tmp_path / "dvis"
    for clip in write_vspw(root, rng=rng):
        (predictions / clip).mkdir(parents=True)
        for mask in (root / "VSPW_480p" / "data" / clip / "mask").glob("*.png"):
            with Image.open(mask) as picture:
                stored = np.asarray(picture)
            Image.fromarray(np.where((stored == 0) | (stored == 255), 0, stored - 1).astype(np.uint8)).save(
                predictions / clip / mask.name
            )
    values = merge(shipped(), {"datasets": {"v": {"kind": "vspw", "title": "V", "protocol": "vspw"}}})
    values = merge(values, {"datasets": {"v": {"options": {"root": str(root)}}}})
    values = merge(values, {"tables": {"table1": {"datasets": ["v"], "methods": ["first-frame", "dvis"]}}})
    assert [row.method for row in Plan(read_config(values)).rows("table1")] == ["first-frame"]
    with pytest.raises(InputError, match=r"methods: dvis: predictions: v: there is no folder .*nowhere"):
        plan = Plan(
            read_config(merge(values, {"methods": {"dvis": {"predictions": {"v": str(tmp_path / "nowhere")}}}}))
        )
        plan.stages(plan.rows("table1")[1])
    plan = Plan(read_config(merge(values, {"methods": {"dvis": {"predictions": {"v": str(predictions)}}}})))
    row = plan.rows("table1")[1]
    assert (row.name, plan.maps(row), plan.scores(row)) == ("dvis", [], "results/scores/v/dvis.json")
    job = PredictionsJob.model_validate_json(plan.score_job("v", "dvis"))
    score_predictions(job, tmp_path / "scores.json")
    assert json.loads((tmp_path / "scores.json").read_text())["miou"] == 1
    listing = job.listing
    next(predictions.rglob("*.png")).write_bytes(b"other")
    assert PredictionsJob.model_validate_json(plan.score_job("v", "dvis")).listing != listing
