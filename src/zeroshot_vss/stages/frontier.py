"""The frontier of quality and speed as a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.ticker as ticks
import pandas as pd

from zeroshot_vss.tables.efficiency import efficiency
from zeroshot_vss.tables.files import BARS, read_samples, read_scores, write_one_layout, write_plot
from zeroshot_vss.tables.frontier import FrontierJob, changed_share, frontier_layout, frontier_table, on_frontier


def run(job: FrontierJob) -> None:
    """Write the table and the plot."""
    rows = job.rows
    scores = [read_scores(Path(path)) for path in job.scores]
    samples = [read_samples(Path(path)) for path in job.scores]
    stages = [row.results() for row in rows]
    maps = [list(results.values())[-1] for results in stages]
    changed, costs = [], []
    for index, row in enumerate(rows):
        dataset = job.datasets[row.dataset].open()
        mapped = {name: dataset.clip(name).mapped() for name in dataset.clips()}
        frames = sum(len(mapped[path.stem]) for path in maps[index])
        costs.append(efficiency(frames, stages[index]))
        changed.append(changed_share(maps[index], maps[job.reference(index)], mapped))
    table = frontier_table(job, scores, samples, costs, changed)
    write_one_layout(Path(job.csv), table, frontier_layout(table), job.title)
    write_plot(draw(job, table), Path(job.png), Path(job.pdf))


def draw(job: FrontierJob, table: pd.DataFrame) -> Any:
    """Quality over speed, a panel for rows that are compared; a line joins those that no other beats in both.

    Bars are the intervals of mIoU.
    """
    mpl.use("Agg")
    import seaborn as sns
    from matplotlib import pyplot as plt

    table = table.assign(frontier=on_frontier(table, job.panel))
    panels: Any = list(table.groupby(job.panel, sort=False))
    with sns.axes_style("whitegrid"), plt.rc_context({"font.size": 8, "axes.titlesize": 8}):
        colours = sns.color_palette("colorblind")
        figure, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.2), squeeze=False)
        for axis, (shared, rows) in zip(axes[0], panels, strict=True):
            best = rows[rows["frontier"]].sort_values("FPS")
            axis.plot(best["FPS"], best["mIoU"], color="0.6", linewidth=1, zorder=1)
            for number, (_, row) in enumerate(rows.iterrows()):
                axis.vlines(row["FPS"], row["mIoU low"], row["mIoU high"], color=colours[number % len(colours)],
                            linewidth=0.8, alpha=0.6, zorder=1)  # fmt: skip
                axis.scatter(row["FPS"], row["mIoU"], color=colours[number % len(colours)], s=24, zorder=2,
                             marker="o" if row["frontier"] else "x", label=row[job.compared])  # fmt: skip
            axis.set_xscale("log")
            axis.xaxis.set_major_formatter(ticks.FormatStrFormatter("%g"))
            axis.xaxis.set_minor_formatter(ticks.FormatStrFormatter("%g"))
            axis.set(xlabel="frames a second", ylabel="mIoU (%)", title=", ".join(shared))
            axis.legend(frameon=False, fontsize=6)
        figure.suptitle(f"{job.title}\n{BARS}", fontsize=9)
        figure.tight_layout()
    return figure
