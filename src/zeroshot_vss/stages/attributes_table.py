"""Attributes stage: a table's rows attribute by attribute, as LaTeX and a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd

from zeroshot_vss.figures.style import PAGE, wrapped
from zeroshot_vss.io.files import replacing
from zeroshot_vss.tables.attributes import AttributesJob, AttributeTable, attribute_tables, attributes_to_latex, wide
from zeroshot_vss.tables.files import BARS, write_plot

LABEL, TEXT, SMALL = 1.9, 7, 4.5
"""Width of a row's name in inches; sizes in points of names, and of figures and intervals."""


def run(job: AttributesJob) -> None:
    """Write both from the table's sequences."""
    sequences = pd.read_csv(
        job.sequences, dtype={"name": str, "backbone": str}, keep_default_na=False, na_values=[""]
    )
    tables = attribute_tables(sequences, job.sequences)
    write_plot(draw(tables, job.title), *map(Path, job.plots()))
    with replacing(Path(job.tex)) as partial:
        partial.write_text(attributes_to_latex(tables))


def draw(tables: Sequence[AttributeTable], title: str) -> Any:
    """A panel a data set: rows down, attributes across, each cell the mean over its clips and the interval below."""
    mpl.use("Agg")
    import seaborn as sns
    from matplotlib import pyplot as plt

    heights = [0.34 * len(set(lines["row"])) + 0.9 for _, _, lines in tables]
    with plt.rc_context({"font.size": TEXT, "axes.titlesize": 8}):
        figure, axes = plt.subplots(
            len(tables), 1, figsize=(PAGE, sum(heights) + 0.5), squeeze=False, layout="constrained",
            height_ratios=heights,
        )  # fmt: skip
        for axis, (dataset, name, lines) in zip(axes[:, 0], tables, strict=True):
            values = wide(lines, "value")
            texts = wide(lines.assign(text=list(map(_text, lines["value"], lines["low"], lines["high"]))), "text")
            sns.heatmap(
                values, ax=axis, annot=texts.to_numpy(), fmt="", annot_kws={"size": SMALL}, cmap="crest", cbar=False,
                linewidths=0.5, xticklabels=False, yticklabels=False,
            )  # fmt: skip
            names = ["\n".join(wrapped(str(row), LABEL, TEXT)) for row in values.index]
            axis.set_yticks(np.arange(len(names)) + 0.5, names)
            groups = [str(group).replace(" ", "\n") for group in values.columns]
            axis.set_xticks(np.arange(len(groups)) + 0.5, groups)
            axis.set(title=f"{dataset}: {name} (%), attributes with their number of clips", xlabel="", ylabel="")
        figure.suptitle(f"{title}\nIn brackets: {BARS.removeprefix('Bars: ')}", fontsize=9)
    return figure


def _text(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return ""
    return f"{value:.1f}" if np.isnan(low) else f"{value:.1f}\n[{low:.0f}, {high:.0f}]"
