"""Scores of single classes: against loops, and what tables and figures of them hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from test_config import shipped
from test_statistics import NAMES, cityscapes, objects, semantic
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.cityscapes import EVALUATED
from zeroshot_vss.metrics.classes import class_scores
from zeroshot_vss.metrics.protocols.base import pool
from zeroshot_vss.metrics.scores import ClipScores, save_clips
from zeroshot_vss.metrics.statistics import interval, resamples
from zeroshot_vss.stages.classes_table import DRAWN, draw, run
from zeroshot_vss.tables.classes import ClassesJob, class_table, failures
from zeroshot_vss.workflow.plan import Plan


def clip(name: str, confusion: Any, protocol: str = "vspw") -> ClipScores:
    return ClipScores(name, protocol, 1, {"confusion": np.array(confusion, np.int64)})


HAND = [
    # truth down; predictions 0, 1, 2 and none across
    clip("a", [[8, 2, 0, 0], [1, 4, 4, 1], [0, 0, 0, 0]]),
    clip("b", [[4, 0, 6, 0], [0, 0, 0, 0], [0, 0, 0, 0]]),
]


def test_by_hand() -> None:
    first, second = class_scores(HAND[::-1])
    assert (first.label, first.clips, first.share, first.iou) == (0, 2, 20 / 30, 12 / 21)
    assert (first.recall, first.confused_with, first.confused, first.unlabelled) == (12 / 20, 2, 6 / 20, 0)
    # One clip alone holds class 1; of its ten pixels one has no prediction. Class 2 has no ground truth.
    assert (second.label, second.clips, second.iou, second.unlabelled) == (1, 1, 4 / 12, 1 / 10)
    assert np.isnan(second.low) and np.isnan(second.high) and (second.confused_with, second.confused) == (2, 0.4)


def test_against_loops() -> None:
    """IoU of each draw with the clips listed as often as they are drawn; the mean of classes is the pooled mIoU."""
    clips = semantic(3, 6)
    scores = class_scores(clips)
    assert np.mean([one.iou for one in scores]) == pytest.approx(pool(clips)["miou"])
    counts = resamples(6)
    for one in scores:
        draws = []
        for row in counts:
            total: Any = sum(times * each.arrays["confusion"] for times, each in zip(row, clips, strict=True))
            union = total[one.label].sum() + total[:, one.label].sum() - total[one.label, one.label]
            if total[one.label].sum():
                draws.append(total[one.label, one.label] / union)
        holding = sum(bool(each.arrays["confusion"][one.label].sum()) for each in clips)
        assert one.clips == holding
        assert (one.low, one.high) == pytest.approx(interval(np.array(draws), holding), abs=1e-9)
        assert one.low < one.iou < one.high


def test_draws_without_the_class_are_left_out() -> None:
    """A class of two clips of three that is predicted everywhere: such a draw would count as 0."""
    whole = [[50, 0, 0], [0, 50, 0]]
    clips = [clip("a", whole), clip("b", whole), clip("c", [[50, 50, 0], [0, 0, 0]])]
    (_, one) = class_scores(clips)
    assert one.clips == 2 and one.low > 0 and one.iou == pytest.approx(100 / 150)


def test_cityscapes_counts_the_evaluated_ids() -> None:
    scores = class_scores(cityscapes(1))
    assert [one.label for one in scores] == list(EVALUATED)
    assert np.mean([one.iou for one in scores]) == pytest.approx(pool(cityscapes(1))["miou"])
    assert sum(one.share for one in scores) == pytest.approx(1)


def test_objects_have_no_classes() -> None:
    assert class_scores(objects(1, 3)) == []


# Tables

LEGEND = {"Scenes": ("road & kerb", "tree", "sky", "car")}


def hand_table() -> Any:
    return class_table(NAMES[:1], ["vspw"], [class_scores(HAND)], LEGEND)


def test_the_table_and_its_failures() -> None:
    table = hand_table()
    assert list(table["class"]) == ["road & kerb", "tree"] and list(table["IoU"]) == [57.14, 33.33]
    assert list(table["most confused with"]) == ["sky", "sky"] and list(table["confused"]) == [30, 40]
    missed = [clip("a", [[0, 5, 0], [0, 100000, 0]])]
    (line,) = failures(class_table(NAMES[:1], ["vspw"], [class_scores(missed)], {})).to_dict("records")
    assert (line["at 0"], line["which"]) == ("1 of 2", "class 0")
    assert line["most confused"] == "class 0 → class 1 100.0"
    # A class of which one pixel in a million is right is found.
    rare = [clip("a", [[1, 10**6, 0], [0, 10**6, 0]])]
    (line,) = failures(class_table(NAMES[:1], ["vspw"], [class_scores(rare)], {})).to_dict("records")
    assert (line["at 0"], line["which"]) == ("0 of 2", "")


def job_of(folder: Path, rows: dict[str, list[ClipScores]]) -> ClassesJob:
    shown = []
    for name, scores in rows.items():
        save_clips(folder / f"{name}.npz", scores)
        shown.append(NAMES[0].model_copy(update={"method": name, "scores": str(folder / f"{name}.json")}))
    return ClassesJob(title="Table", rows=tuple(shown), names=LEGEND, csv=str(folder / "t-classes.csv"))


def test_the_stage_writes_what_it_names(tmp_path: Path) -> None:
    rows = {"Ours": semantic(1, 6, 0.9), "Copied": semantic(2, 6, 0.4), "Alone": semantic(2, 1)}
    made = []
    for name, order in (("a", 1), ("b", -1)):
        (tmp_path / name).mkdir()
        job = job_of(tmp_path / name, {row: scores[::order] for row, scores in rows.items()})
        run(job)
        made.append([Path(path).read_bytes() for path in job.outputs()])
    assert made[0] == made[1] and len(made[0]) == 5
    table: Any = pd.read_csv(tmp_path / "a" / "t-classes.csv")
    assert len(table) == 12 and table[table["method"] == "Alone"]["low"].isna().all()
    text, latex = (made[0][place].decode() for place in (1, 2))
    assert "| road & kerb |" in text and "## Failures" in text and "nan" not in text.lower()
    assert latex.count(r"\begin{tabular}") == 2 and r"road \& kerb" in latex and "nan" not in latex.lower()
    with Image.open(tmp_path / "a" / "t-classes.png") as picture:
        assert min(picture.size) > 300 and len(np.unique(np.asarray(picture.convert("L")))) > 50


def test_the_figure_draws_the_intervals() -> None:
    scores = [class_scores(semantic(seed, 6)) for seed in (1, 2)]
    table = class_table(NAMES[:2], ["vspw"] * 2, scores, LEGEND)
    axis = draw(table, "T").axes[0]
    drawn = [bar[:, 0].tolist() for lines in axis.collections for bar in lines.get_segments()]
    assert drawn == table[["low", "high"]].to_numpy().tolist()
    assert [point for line in axis.lines for point in line.get_xdata()] == table["IoU"].tolist()


def test_the_figure_has_the_largest_classes() -> None:
    many = DRAWN + 6
    confusion = np.zeros((many, many + 1), np.int64)
    np.fill_diagonal(confusion, np.arange(1, many + 1))
    table = class_table(NAMES[:1], ["vspw"], [class_scores([clip("a", confusion)])], {})
    axis = draw(table, "T").axes[0]
    names = [text.get_text() for text in axis.get_yticklabels()]
    assert names == [f"class {label}" for label in range(many - 1, many - 1 - DRAWN, -1)]
    assert f"the {DRAWN} largest of {many} classes" in axis.get_title()


def test_the_target() -> None:
    plan = Plan(read_config(shipped()))
    job = plan.target("results/table1-classes.csv").job
    assert isinstance(job, ClassesJob) and "vehicle" in job.names["generated scenes"]
    assert all(path.startswith("results/scores/") and path.endswith(".npz") for path in job.inputs())
    with pytest.raises(InputError, match="the configuration has no table 'tabel1'; did you mean 'table1'"):
        plan.target("results/tabel1-classes.csv")
    of_objects = {"kind": "scenes-objects", "protocol": "davis-2016"}
    values = merge(shipped(), {"datasets": {"scenes": of_objects}})
    with pytest.raises(InputError, match="table 'table1': no row is scored by classes"):
        Plan(read_config(values)).target("results/table1-classes.csv")
