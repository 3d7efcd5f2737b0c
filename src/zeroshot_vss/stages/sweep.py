"""Sweep stage: a table and a plot of a method over the values of a setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

from zeroshot_vss.io.files import replacing
from zeroshot_vss.tables.files import BARS, read_clips, read_samples, read_scores, write_plot
from zeroshot_vss.tables.sweep import NAMES, SweepJob, sweep_table


def run(job: SweepJob) -> None:
    """Write the table (long form) and the plot, one panel a figure, one line a backbone and data set."""
    scores = [Path(point.row.scores) for point in job.points]
    pooled = [read_scores(path) for path in scores]
    clips = [read_clips(path.with_suffix(".csv")) for path in scores]
    samples = [read_samples(path) for path in scores]
    table = sweep_table(job, pooled, clips, samples)
    with replacing(Path(job.csv)) as partial:
        table.to_csv(partial, index=False)
    write_plot(draw(job, table), Path(job.png), Path(job.pdf))


def draw(job: SweepJob, table: pd.DataFrame) -> Any:
    """A panel a figure, a line a backbone and data set; bars are the intervals of the table."""
    mpl.use("Agg")
    import seaborn as sns
    from matplotlib import pyplot as plt

    labels = list(dict.fromkeys(point.label for point in job.points))
    panels = [NAMES[key] for key in job.figures if NAMES[key] in set(table["figure"])]
    with sns.axes_style("whitegrid"), plt.rc_context({"font.size": 8, "axes.titlesize": 8}):
        colours = sns.color_palette("colorblind")
        figure, axes = plt.subplots(
            1, len(panels), figsize=(max(2.3 * len(panels), 3.3), 2.4), squeeze=False, layout="constrained"
        )
        for axis, name in zip(axes[0], panels, strict=True):
            some = table[table["figure"] == name]
            lines: Any = some.groupby(["backbone", "data set"], sort=False)
            for number, ((backbone, dataset), line) in enumerate(lines):
                places = [labels.index(str(label)) for label in line[job.axis]]
                colour = colours[number % len(colours)]
                # Bars of their own: an interval need not hold its value.
                axis.vlines(places, line["low"], line["high"], color=colour, linewidth=1)
                axis.plot(
                    places, line["value"], marker="o", markersize=3, linewidth=1, color=colour,
                    label=f"{backbone}, {dataset}",
                )  # fmt: skip
            turned = {"rotation": 30, "ha": "right"} if max(map(len, labels)) > 5 else {}
            axis.set_xticks(range(len(labels)), labels, **turned)
            axis.set(xlabel=job.axis, title=f"{name} (%)")
        # Below the panels, where no line runs.
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
        figure.suptitle(f"{job.title}\n{BARS}", fontsize=9)
    return figure
