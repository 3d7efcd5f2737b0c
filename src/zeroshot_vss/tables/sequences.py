"""A table's rows sequence by sequence and attribute by attribute, with bootstrap intervals over the sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from zeroshot_vss.metrics.statistics import LEVEL, mean_interval
from zeroshot_vss.tables.classes import titled
from zeroshot_vss.tables.intervals import brackets
from zeroshot_vss.tables.quality import FIGURES, FURTHER, TableRow

ATTRIBUTES = "attributes"
"""Column of the scores of clips: what a data set says of a clip, words with blanks between them."""
SHOWN = FIGURES | {key: FURTHER[key] for key in ("strict_mvc8", "boundary_f")}
ALL = "all"


def groups_of(clips: pd.DataFrame) -> dict[tuple[str, str], list[int]]:
    """(kind, name) of every group of sequences to their places: all, those of each attribute, each sequence."""
    groups: dict[tuple[str, str], list[int]] = {(ALL, ALL): list(range(len(clips)))}
    attributes = (
        [str(w).split() for w in clips[ATTRIBUTES].fillna("")] if ATTRIBUTES in clips else [[] for _ in clips.index]
    )
    for attribute in sorted({word for some in attributes for word in some}):
        groups["attribute", attribute] = [i for i, some in enumerate(attributes) if attribute in some]
    return groups | {("sequence", str(name)): [i] for i, name in enumerate(clips["clip"])}


def sequence_table(rows: Sequence[TableRow], clips: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All groups of all rows in long form, figures in %.

    Args:
        rows: in words.
        clips: figures (0..1) of the clips of each row, see `scoring.write_scores`.

    Returns:
        For each figure its mean over the sequences of the group and the ends of its interval. That mean is not the
        figure pooled over the sequences, where that weighs frames or pixels.
    """
    out: list[dict[str, Any]] = []
    for row, table in zip(rows, clips, strict=True):
        for (kind, name), places in groups_of(table).items():
            entry: dict[str, Any] = {"method": row.method, "backbone": row.backbone, "data set": row.dataset,
                                     "group": kind, "name": name, "sequences": len(places)}  # fmt: skip
            for key, title in SHOWN.items():
                if key in table:
                    values = 100 * table[key].to_numpy(np.float64)[places]
                    low, high = mean_interval(values)
                    mean = float(np.nanmean(values)) if (~np.isnan(values)).any() else float("nan")
                    entry |= {title: round(mean, 2), f"{title} low": round(low, 2), f"{title} high": round(high, 2)}
            out.append(entry)
    return pd.DataFrame(out)


def first_figure(part: Any) -> str:
    """The first figure that a data set's lines have."""
    return next(name for name in SHOWN.values() if name in part and part[name].notna().any())


def sequences_to_markdown(table: pd.DataFrame, title: str) -> str:
    """For each data set its first figure: groups down, rows across, the interval in brackets."""
    parts = [f"# {title}: sequences and attributes\n"]
    groups: Any = table.groupby("data set", sort=False)
    for dataset, part in groups:
        figure = first_figure(part)
        figures = part[[figure, f"{figure} low", f"{figure} high"]].to_numpy()
        cells = [f"{value:.1f}{brackets(low, high)}" for value, low, high in figures]
        heads = titled(part.fillna({"backbone": ""}))["row"]
        names = [f"{n} ({k})" if g == "attribute" else n
                 for g, n, k in zip(part["group"], part["name"], part["sequences"], strict=True)]  # fmt: skip
        shown = pd.DataFrame({"group": part["group"], "": names, "row": heads, "cell": cells})
        wide = shown.pivot_table(index=["group", ""], columns="row", values="cell", aggfunc="first", sort=False)
        interval = f"{figure} in %, mean over the sequences [{LEVEL:.0%} bootstrap interval]"
        parts.append(
            f"## {dataset}\n\n{interval}\n\n{wide.reset_index().to_markdown(index=False, disable_numparse=True)}\n"
        )
    return "\n".join(parts)
