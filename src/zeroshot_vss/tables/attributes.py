"""A table's rows attribute by attribute, as LaTeX and for the figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import pandas as pd

from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.tables.classes import titled
from zeroshot_vss.tables.intervals import brackets
from zeroshot_vss.tables.latex import tabular
from zeroshot_vss.tables.outputs import plots
from zeroshot_vss.tables.sequences import ALL, first_figure

AttributeTable = tuple[str, str, pd.DataFrame]
"""Data set, figure, and its lines; see :func:`attribute_tables`."""


class AttributesJob(Job):
    """What the job that shows a table's attributes is given."""

    stage: ClassVar[str] = "attributes_table"

    title: str
    sequences: str
    """CSV of the table's sequences and attributes."""
    tex: str

    def inputs(self) -> list[str]:
        return [self.sequences]

    def outputs(self) -> list[str]:
        return [self.tex, *self.plots()]

    def plots(self) -> list[str]:
        """The files of the figure."""
        return plots(self.tex.removesuffix(".tex"))


def attribute_tables(sequences: pd.DataFrame, where: str) -> list[AttributeTable]:
    """Data set, figure, and lines of each data set that has attributes: its rows over all clips and each attribute.

    Args:
        sequences: the table of `sequences.sequence_table`.
        where: what it was read from, for messages.

    Returns:
        Of each data set the first figure that it has. The lines have columns `row`, `group` (with the number of
        clips), `value`, `low` and `high`, in %.

    Raises:
        InputError: no data set has attributes.
    """
    found = list(_tables(sequences))
    if not found:
        raise InputError(f"{where}: no clip of its data sets has attributes; DAVIS 2016's have")
    return found


def _tables(sequences: pd.DataFrame) -> Iterator[AttributeTable]:
    groups: Any = sequences.groupby("data set", sort=False)
    for dataset, part in groups:
        if not (part["group"] == "attribute").any():
            continue
        figure = first_figure(part)
        some = titled(part[part["group"].isin([ALL, "attribute"])].fillna({"backbone": ""}))
        names = [f"{name} ({clips})" for name, clips in zip(some["name"], some["sequences"], strict=True)]
        figures = {"value": some[figure], "low": some[f"{figure} low"], "high": some[f"{figure} high"]}
        lines = pd.DataFrame({"row": some["row"], "group": names} | figures)
        yield str(dataset), figure, lines


def wide(lines: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of the lines: rows down, groups across, in their order."""
    return lines.pivot_table(index="row", columns="group", values=column, aggfunc="first", sort=False, dropna=False)


def attributes_to_latex(tables: Sequence[AttributeTable]) -> str:
    """A table of texts: rows down, groups across, intervals in brackets, for each data set."""
    parts = []
    for dataset, figure, lines in tables:
        cells = [f"{v:.1f}{brackets(low, high)}" for v, low, high in lines[["value", "low", "high"]].to_numpy()]
        texts = wide(lines.assign(cell=cells), "cell")
        parts.append(f"% {dataset}: {figure} in %, mean over clips\n{tabular(texts.reset_index())}")
    return "\n".join(parts)
