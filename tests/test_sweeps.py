"""Sweeps: a method with one setting at several values, as rows of their own; and other systems' predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from miniatures import write_vspw
from test_config import shipped
from test_statistics import semantic
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.config.sweeps import SweepConfig
from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.score import ScoreJob
from zeroshot_vss.metrics.protocols.base import pool
from zeroshot_vss.metrics.scores import save_clips
from zeroshot_vss.metrics.scoring import write_scores
from zeroshot_vss.metrics.statistics import resample
from zeroshot_vss.stages.score import run as run_score
from zeroshot_vss.stages.sweep import draw
from zeroshot_vss.stages.sweep import run as run_sweep
from zeroshot_vss.tables.quality import TableRow
from zeroshot_vss.tables.sweep import SweepJob, SweepPoint, sweep_table
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import make_row, sweep_rows, table_rows

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
    rows = sweep_rows(plan.config, "clusters")
    names = [row.name for row in rows]
    assert names[:2] == ["ours-bilinear~clusters=5@scenes-tiny", "ours-bilinear~clusters=10@scenes-tiny"]
    stages: list[Any] = [plan.stages.of_row(row) for row in rows if row.backbone == "scenes-tiny"]
    assert len({s["features"] for s in stages}) == len({s["correspondences"] for s in stages}) == 1
    assert len({s["coarse"] for s in stages}) == len(stages) == 4
    # K = 20 is the method itself.
    own = plan.stages.of_row(make_row(plan.config, "scenes", "ours-bilinear", "scenes-tiny"))
    assert own == stages[2]


def test_a_point_that_does_not_fit_is_named() -> None:
    values = merge(shipped(), {"sweeps": {"bad": {**WORDS, "parameter": "context.clusters", "values": ["many"]}}})
    with pytest.raises(InputError, match=r"ours~bad=many with backbone scenes-tiny.*context\.clusters"):
        Plan(read_config(values))


def point(folder: Path, label: str) -> SweepPoint:
    row = TableRow(
        method="Ours", backbone="tiny", supervision="zero-shot", dataset="scenes", key=("ours", "t", "s"),
        scores=str(folder / f"{label}.json"),
    )  # fmt: skip
    return SweepPoint(label=label, row=row)


def sweep_job(folder: Path) -> SweepJob:
    """A sweep of two points whose files are in `folder`."""
    files: Any = {suffix: str(folder / f"sweep.{suffix}") for suffix in ("csv", "png", "pdf")}
    points = (point(folder, "5"), point(folder, "10"))
    return SweepJob(title="Clusters", axis="K", figures=("miou", "mvc8"), points=points, **files)


def test_the_table_has_intervals_and_standard_errors_over_clips() -> None:
    pooled = [
        {"miou": 0.5, "mvc8": None, "protocol": "vspw", "clips": 3},
        {"miou": 0.25, "protocol": "vspw", "clips": 1},
    ]
    clips = [pd.DataFrame({"miou": [0.1, 0.2, 0.6]}), pd.DataFrame({"miou": [0.25]})]
    samples = [resample(semantic(1, 3)), resample(semantic(1, 1))]
    table: Any = sweep_table(sweep_job(Path()), pooled, clips, samples).set_index(["K", "figure"])
    assert table.loc[("5", "mIoU"), "value"] == 50
    # Standard deviation sqrt(0.07) over three clips.
    assert table.loc[("5", "mIoU"), "standard error"] == pytest.approx(100 * np.sqrt(0.07 / 3), abs=0.01)
    assert pd.isna(table.loc[("5", "mVC8"), "value"]) and pd.isna(table.loc[("10", "mIoU"), "standard error"])
    # As the table of intervals has them; one clip has none.
    ends = [100 * end for end in samples[0].interval("miou")]
    assert table.loc[("5", "mIoU"), ["low", "high"]].tolist() == pytest.approx(ends, abs=0.006)
    assert pd.isna(table.loc[("10", "mIoU"), ["low", "high"]]).all()


def written(folder: Path) -> SweepJob:
    """The sweep with the scores of its points."""
    for seed, label in enumerate(("5", "10")):
        path, scores = folder / f"{label}.json", semantic(seed, 4)
        save_clips(path.with_suffix(".npz"), scores)
        write_scores(path, pool(scores), scores)
    return sweep_job(folder)


def test_the_plot_is_the_same_file_each_time(tmp_path: Path) -> None:
    job, made = written(tmp_path), []
    for _ in range(2):
        run_sweep(job)
        made.append([Path(path).read_bytes() for path in job.outputs()])
    assert made[0] == made[1] and len(made[0]) == 3
    with Image.open(job.png) as picture:
        assert min(picture.size) > 300 and len(np.unique(np.asarray(picture.convert("L")))) > 50


def test_the_plots_bars_are_the_intervals(tmp_path: Path) -> None:
    job = written(tmp_path)
    run_sweep(job)
    table: Any = pd.read_csv(job.csv)
    figure = draw(job, table)
    assert "95% bootstrap intervals over clips" in figure.get_suptitle()
    for axis, name in zip(figure.axes, ("mIoU", "mVC8"), strict=True):
        known = table[table["figure"] == name]
        (bars,) = axis.collections
        assert [bar[:, 1].tolist() for bar in bars.get_segments()] == known[["low", "high"]].to_numpy().tolist()
        assert list(axis.lines[0].get_ydata()) == known["value"].tolist()


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

    def planned(folder: Path | None) -> Plan:
        named = {} if folder is None else {"methods": {"dvis": {"predictions": {"v": str(folder)}}}}
        return Plan(read_config(merge(values, named)))

    def job_of(plan: Plan) -> ScoreJob:
        job = plan.target("results/scores/v/dvis.json").job
        assert isinstance(job, ScoreJob)
        return job

    assert [row.method for row in table_rows(planned(None).config, "table1")] == ["first-frame"]
    with pytest.raises(InputError, match=r"methods: dvis: predictions: v: there is no folder .*nowhere"):
        job_of(planned(tmp_path / "nowhere"))
    plan = planned(predictions)
    row = table_rows(plan.config, "table1")[1]
    assert (row.name, plan.stages.maps(row)) == ("dvis", None)
    job = job_of(plan)
    assert job.maps is None and not any("maps/" in path for path in job.inputs())
    run_score(job.model_copy(update={"scores": str(tmp_path / "scores.json")}))
    assert json.loads((tmp_path / "scores.json").read_text())["miou"] == 1
    assert job.checked == "results/predictions/v/dvis.json" and job.checked in job.inputs()
