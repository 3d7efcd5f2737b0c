"""The figure of a table's intervals and ranks: what is drawn is what the CSV holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import same_color
from PIL import Image

from test_config import shipped
from test_statistics import objects, semantic, table_job
from zeroshot_vss.config import read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.stages import table
from zeroshot_vss.stages.intervals_figure import ACROSS, draw, run
from zeroshot_vss.tables.intervals_figure import IntervalsFigureJob, is_first, rank_words, read_statistics
from zeroshot_vss.workflow.plan import Plan

SKILLS = {"Ours, with a name of many words that goes on over two lines or more": 0.9, "Near": 0.9, "Copied": 0.5,
          "Far": 0.49, "Worst": 0.2}  # fmt: skip


def figure_job(folder: Path) -> IntervalsFigureJob:
    """The job of a figure whose table is made: five rows of 20 clips, two of objects, one of a single clip."""
    rows = {name: semantic(seed, 20, skill) for seed, (name, skill) in enumerate(SKILLS.items())}
    rows |= {"Tracked": objects(1, 4), "Held": objects(2, 4), "Alone": semantic(1, 1)}
    made = table_job(folder, rows)
    others = {"Tracked": "Objects", "Held": "Objects", "Alone": "One clip"}
    shown = tuple(row.model_copy(update={"dataset": others.get(row.method, "Scenes")}) for row in made.rows)
    made = made.model_copy(update={"rows": shown})
    table.run(made)
    return IntervalsFigureJob(title="Table", intervals=made.intervals, comparisons=made.comparisons)


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> IntervalsFigureJob:
    return figure_job(tmp_path_factory.mktemp("figure"))


def test_it_draws_the_tables_numbers(job: IntervalsFigureJob) -> None:
    known, comparisons = (read_statistics(Path(path)) for path in job.inputs())
    figure = draw(known, comparisons, "T")
    panels: Any = list(known.groupby(["data set", "figure"], sort=False))
    assert len(figure.axes) == len(panels) > 2 * ACROSS
    names: list[str] = []  # of the first panel of a line
    for axis, ((_, name), part) in zip(figure.axes, panels, strict=True):
        assert axis.get_title() == f"{name} (%)"
        bars = [bar for lines in axis.collections for bar in lines.get_segments() if len(bar)]
        ends = part[["low", "high"]].dropna().to_numpy().tolist()
        assert [bar[:, 0].tolist() for bar in bars] == ends
        assert [line.get_xdata()[0] for line in axis.lines] == part["value"].tolist()
        # From the top, in the table's order; bars, points, names and ranks on one height.
        names = [label.get_text().replace("\n", " ") for label in axis.get_yticklabels()] or names
        heights = [line.get_ydata()[0] for line in axis.lines]
        assert [names[y] for y in heights] == part["method"].tolist() and heights == sorted(heights)
        assert axis.yaxis_inverted() and [text.xy[1] for text in axis.texts] == heights
        if len(ends) == len(part):
            assert [bar[:, 1].tolist() for bar in bars] == [[y, y] for y in heights]
        low, high = axis.get_xlim()
        assert low < np.nanmin(part[["value", "low"]]) and np.nanmax(part[["value", "high"]]) < high


def test_ranks_and_what_is_not_separable_are_marked(job: IntervalsFigureJob) -> None:
    known, comparisons = (read_statistics(Path(path)) for path in job.inputs())
    axis = draw(known, comparisons, "T").axes[0]
    some = known[(known["data set"] == "Scenes") & (known["figure"] == "mIoU")]
    assert some["rank"].tolist() == [1, 2, 4, 3, 5] and some["not separable from"].tolist() == [
        "2",
        "1",
        "3",
        "4",
        "",
    ]
    assert [text.get_text() for text in axis.texts] == ["1 ~ 2", "2 ~ 1", "4 ~ 3", "3 ~ 4", "5"]
    filled = [not same_color(line.get_markerfacecolor(), "white") for line in axis.lines]
    assert filled == [True, True, False, False, False]
    axis.figure.get_figure(root=True).canvas.draw()
    boxes = [text.get_window_extent() for text in axis.texts]
    assert all(box.x0 >= axis.get_window_extent().x1 for box in boxes)


def test_words_of_ranks() -> None:
    assert rank_words(1, "") == "1" and rank_words(2, "1") == "2 ~ 1" and rank_words(3, "1, 2") == "3 ~ 1, 2"
    assert rank_words(4, "1, 2, 3, 6, 7, 8, 10, 11") == "4 ~ 1\N{EN DASH}3, 6\N{EN DASH}8, 10, 11"
    assert rank_words(7, "6, 8") == "7 ~ 6\N{EN DASH}8" and rank_words(9, "1, 10") == "9 ~ 1, 10"
    # Two rows of one figure share a rank.
    assert rank_words(1, "1") == "1 ~ 1" and rank_words(1, "1, 3") == "1 ~ 1, 3"
    assert is_first(1, "") and is_first(3, "1, 2") and not is_first(2, "") and not is_first(2, "10, 11")


def test_every_data_set_has_its_heading_and_what_so_few_clips_say(job: IntervalsFigureJob) -> None:
    known, comparisons = (read_statistics(Path(path)) for path in job.inputs())
    figure = draw(known, comparisons, "T")
    heads = [part.get_suptitle() for part in figure.subfigs]
    assert [head.split("\n")[0] for head in heads] == [
        "Scenes (vspw, 20 clips)", "Objects (davis-2017, 4 clips)", "One clip (vspw, 1 clip)"
    ]  # fmt: skip
    assert "\n" not in heads[0] and "fewer than 5 clips" in heads[1] and "One clip has no interval" in heads[2]
    assert "95% bootstrap intervals over clips" in figure.get_suptitle()


def test_texts_and_panels_do_not_overlap(job: IntervalsFigureJob) -> None:
    known, comparisons = (read_statistics(Path(path)) for path in job.inputs())
    figure = draw(known, comparisons, "T")
    figure.canvas.draw()
    boxes: Any = [axis.get_tightbbox() for axis in figure.axes]
    boxes += [text.get_window_extent() for part in (figure, *figure.subfigs) for text in part.texts]
    boxes += [legend.get_window_extent() for legend in figure.legends]
    for place, box in enumerate(boxes):
        assert box.x0 >= -1 and box.y0 >= -1 and box.x1 <= figure.bbox.x1 + 1 and box.y1 <= figure.bbox.y1 + 1
        for other in boxes[:place]:
            wide, high = min(box.x1, other.x1) - max(box.x0, other.x0), min(box.y1, other.y1) - max(box.y0, other.y0)
            assert wide <= 1 or high <= 1


def test_the_stage_writes_what_it_names(job: IntervalsFigureJob) -> None:
    made = []
    for _ in range(2):
        run(job)
        made.append([Path(path).read_bytes() for path in job.outputs()])
    assert made[0] == made[1] and [data[:4] for data in made[0]] == [b"\x89PNG", b"%PDF"]
    with Image.open(job.outputs()[0]) as picture:
        assert min(picture.size) > 800 and len(np.unique(np.asarray(picture.convert("L")))) > 50


def test_the_target() -> None:
    plan = Plan(read_config(shipped()))
    made = plan.target("results/table1-intervals.png").job
    assert isinstance(made, IntervalsFigureJob)
    assert made.outputs() == ["results/table1-intervals.png", "results/table1-intervals.pdf"]
    # Another job writes the numbers, whose key the figure does not change.
    numbers = plan.target("results/table1-intervals.csv").job
    assert numbers.stage == "table" and set(made.inputs()) <= set(numbers.outputs())
    with pytest.raises(InputError, match="the configuration has no table 'tabel1'; did you mean 'table1'"):
        plan.target("results/tabel1-intervals.png")
    with pytest.raises(
        InputError, match="table 'table4' is of kind 'efficiency'; only tables of kind 'quality' have"
    ):
        plan.target("results/table4-intervals.png")
