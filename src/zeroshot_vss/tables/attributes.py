"""A table's rows attribute by attribute, as LaTeX and for the figure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.tables.latex import tabular
from zeroshot_vss.tables.sequences import ALL, SHOWN


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
        return [self.tex.removesuffix(".tex") + ending for ending in (".png", ".pdf")]


def attribute_tables(sequences: pd.DataFrame, where: str) -> list[tuple[str, str, pd.DataFrame]]:
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


def _tables(sequences: pd.DataFrame) -> Iterator[tuple[str, str, pd.DataFrame]]:
    groups: Any = sequences.groupby("data set", sort=False)
    for dataset, part in groups:
        if not (part["group"] == "attribute").any():
            continue
        figure = next(name for name in SHOWN.values() if name in part and part[name].notna().any())
        some = part[part["group"].isin([ALL, "attribute"])]
        rows = [f"{m}, {b}" if b else m for m, b in zip(some["method"], some["backbone"].fillna(""), strict=True)]
        lines = pd.DataFrame({
            "row": rows, "group": [f"{n} ({k})" for n, k in zip(some["name"], some["sequences"], strict=True)],
            "value": some[figure].to_numpy(), "low": some[f"{figure} low"].to_numpy(),
            "high": some[f"{figure} high"].to_numpy(),
        })  # fmt: skip
        yield str(dataset), figure, lines


def wide(lines: pd.DataFrame, column: str) -> pd.DataFrame:
    """One column of the lines: rows down, groups across, in their order."""
    return lines.pivot_table(index="row", columns="group", values=column, aggfunc="first", sort=False, dropna=False)


def attributes_to_latex(sequences: pd.DataFrame, where: str) -> str:
    """A table of texts: rows down, groups across, intervals in brackets, for each data set."""
    parts = []
    for dataset, figure, lines in attribute_tables(sequences, where):
        cells = [
            f"{v:.1f}" if np.isnan(low) else f"{v:.1f} [{low:.1f}, {high:.1f}]"
            for v, low, high in lines[["value", "low", "high"]].to_numpy()
        ]
        texts = wide(lines.assign(cell=cells), "cell")
        parts.append(f"% {dataset}: {figure} in %, mean over clips\n{tabular(texts.reset_index())}")
    return "\n".join(parts)
