"""Classes stage: IoU of each class of a table's rows as a table and a figure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from zeroshot_vss.metrics.classes import class_scores
from zeroshot_vss.metrics.scores import load_clips
from zeroshot_vss.tables.classes import (
    ClassesJob,
    class_table,
    classes_to_latex,
    classes_to_markdown,
    groups_of,
    titled,
)
from zeroshot_vss.tables.files import BARS, write_plot, write_table

DRAWN = 24
"""Classes of a data set in the figure, at most."""
MARKERS = "osD^vPX"


def run(job: ClassesJob) -> None:
    """Write the table and the figure from what is kept of each clip."""
    clips = [load_clips(Path(path)) for path in job.inputs()]
    scores = [class_scores(one) for one in clips]
    table = class_table(job.rows, [one[0].protocol for one in clips], scores, job.names)
    write_table(Path(job.csv), table, classes_to_markdown(table, job.title), classes_to_latex(table))
    write_plot(draw(table, job.title), *map(Path, job.plots()))


def draw(table: pd.DataFrame, title: str) -> Any:
    """IoU of each class with its interval, a panel a data set, the classes from the largest."""
    mpl.use("Agg")
    import seaborn as sns
    from matplotlib import pyplot as plt

    groups = [(heading, titled(part)) for heading, part in groups_of(table)]
    rows = list(dict.fromkeys(row for _, part in groups for row in part["row"]))
    shown = [_largest(part) for _, part in groups]
    heights = [len(classes) * min(0.12 + 0.1 * len(rows), 1.0) + 0.6 for classes in shown]
    with sns.axes_style("whitegrid"), plt.rc_context({"font.size": 8, "axes.titlesize": 8}):
        colours = sns.color_palette("colorblind")
        figure, axes = plt.subplots(
            len(groups), 1, figsize=(6.3, sum(heights) + 0.2 * len(rows) + 0.5), squeeze=False, layout="constrained",
            height_ratios=heights,
        )  # fmt: skip
        for axis, (heading, part), classes in zip(axes[:, 0], groups, shown, strict=True):
            for number, row in enumerate(rows):
                some = part[(part["row"] == row) & part["id"].isin(list(classes))]
                places = np.array([list(classes).index(label) for label in some["id"]], np.float64)
                places += 0.8 * ((number + 0.5) / len(rows) - 0.5)
                colour, marker = colours[number % len(colours)], MARKERS[number // len(colours) % len(MARKERS)]
                # A bar of its own: an interval need not hold its value.
                axis.hlines(places, some["low"], some["high"], color=colour, linewidth=1.2)
                axis.plot(some["IoU"], places, marker, color=colour, markersize=3, label=row)
            axis.set_yticks(range(len(classes)), list(classes.values()))
            axis.set(ylim=(len(classes) - 0.5, -0.5), xlim=(-2, 102), xlabel="IoU (%)", title=heading)
            axis.set_yticks(np.arange(len(classes) - 1) + 0.5, minor=True)
            axis.grid(visible=False, axis="y")
            axis.grid(visible=True, axis="y", which="minor", color="0.85")
            total = len(set(part["id"]))
            if total > len(classes):
                axis.set_title(f"{heading}: the {len(classes)} largest of {total} classes")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=1, frameon=False)
        figure.suptitle(f"{title}\n{BARS}", fontsize=9)
    return figure


def _largest(part: pd.DataFrame) -> dict[int, str]:
    """Id and name of the classes with the most pixels."""
    classes = part.drop_duplicates("id").sort_values("pixels", ascending=False, kind="stable").head(DRAWN)
    return dict(zip(classes["id"].tolist(), classes["class"].tolist(), strict=True))
