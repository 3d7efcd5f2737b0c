"""Figure of a table's intervals and ranks as a stage."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import pandas as pd

from zeroshot_vss.figures.style import PAGE, wrapped
from zeroshot_vss.tables.classes import titled
from zeroshot_vss.tables.files import BARS, write_plot
from zeroshot_vss.tables.intervals import note_of
from zeroshot_vss.tables.intervals_figure import (
    IntervalsFigureJob,
    groups_of,
    is_first,
    rank_words,
    read_statistics,
)

ACROSS = 3
"""Panels side by side, at most."""
LABEL, LINE, HEAD = 1.9, 0.13, 0.62
"""Inches: width of a row's name, height of a line of it, and what a panel has above and below its rows."""
TEXT, HEADING = 7, 8
"""Sizes in points: of names and ranks, and of headings."""
RANKS = "Right of each panel: rank ~ ranks that it is not separable from (Holm over all pairs)"


def run(job: IntervalsFigureJob) -> None:
    """Write the figure from the table's intervals and differences."""
    intervals, comparisons = (read_statistics(Path(path)) for path in job.inputs())
    write_plot(draw(intervals, comparisons, job.title), *map(Path, job.outputs()))


def draw(intervals: pd.DataFrame, comparisons: pd.DataFrame, title: str) -> Any:
    """A panel a figure, for each data set: rows in the table's order with their intervals, their ranks beside them.

    Filled points: rows that are the first, or not separable from it.
    """
    mpl.use("Agg")
    import seaborn as sns
    from matplotlib import pyplot as plt
    from matplotlib.lines import Line2D

    groups = [
        (_wrapped(f"{heading}\n{note_of(part, comparisons)}".strip(), PAGE - 0.3, HEADING), titled(part))
        for heading, part in groups_of(intervals)
    ]
    heights = [_height(heading, part) for heading, part in groups]
    with sns.axes_style("whitegrid"), plt.rc_context({"font.size": HEADING, "axes.titlesize": HEADING}):
        figure = plt.figure(figsize=(PAGE, sum(heights) + 0.9), layout="constrained")
        blue = sns.color_palette("colorblind")[0]
        styles = {True: {"color": blue}, False: {"color": "0.45", "markerfacecolor": "white"}}
        parts = figure.subfigures(len(groups), 1, squeeze=False, height_ratios=heights)[:, 0] if groups else []
        for place, (heading, part) in zip(parts, groups, strict=True):
            place.suptitle(heading, fontsize=HEADING)
            rows = list(dict.fromkeys(part["row"]))
            panels: Any = list(part.groupby("figure", sort=False))
            lines, columns = _grid(len(panels))
            axes = place.subplots(lines, columns, squeeze=False, sharey=True).flat
            for axis in axes[len(panels) :]:
                axis.remove()
            for axis, (name, some) in zip(axes[: len(panels)], panels, strict=True):
                _panel(axis, some, rows, styles)
                axis.set_title(f"{name} (%)")
        known = {True: "the first, or not separable from it", False: "separable from the first"}
        handles = [Line2D([], [], marker="o", markersize=3.5, label=known[first], **styles[first]) for first in known]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
        figure.suptitle(f"{title}\n{BARS}\n{RANKS}", fontsize=9)
    return figure


def _panel(axis: Any, part: pd.DataFrame, rows: list[str], styles: dict[bool, dict[str, Any]]) -> None:
    """One figure of the rows of a data set."""
    for line in part.to_dict("records"):
        y, alike = rows.index(line["row"]), str(line["not separable from"])
        style = styles[is_first(line["rank"], alike)]
        # A bar of its own: an interval need not hold its value.
        axis.hlines(y, line["low"], line["high"], color=style["color"], linewidth=1.2)
        axis.plot(line["value"], y, "o", markersize=3.5, **style)
        axis.annotate(
            rank_words(line["rank"], alike), (1, y), xycoords=axis.get_yaxis_transform(), xytext=(3, 0),
            textcoords="offset points", va="center", fontsize=TEXT,
        )  # fmt: skip
    axis.set_yticks(range(len(rows)), map(_name, rows), fontsize=TEXT)
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.margins(x=0.08)


def _wrapped(text: str, width: float, size: float) -> str:
    return "\n".join(wrapped(text, width, size))


def _name(row: str) -> str:
    return _wrapped(row, LABEL, TEXT)


def _grid(panels: int) -> tuple[int, int]:
    """Lines and columns."""
    return -(-panels // ACROSS), min(panels, ACROSS)


def _height(heading: str, part: pd.DataFrame) -> float:
    """Inches of a data set's heading and panels."""
    names = [_name(row).count("\n") + 1 for row in dict.fromkeys(part["row"])]
    lines, _ = _grid(len(set(part["figure"])))
    return lines * (HEAD + len(names) * (max(names) * LINE + 0.06)) + (heading.count("\n") + 2) * LINE
