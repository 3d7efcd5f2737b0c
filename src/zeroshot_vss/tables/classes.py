"""A table's rows class by class: IoU with intervals, and what classes are taken for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import pandas as pd

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.metrics.classes import ClassScore
from zeroshot_vss.metrics.statistics import LEVEL
from zeroshot_vss.tables.intervals import brackets
from zeroshot_vss.tables.latex import tabular
from zeroshot_vss.tables.outputs import layouts, plots
from zeroshot_vss.tables.quality import TableRow

WORST = 3
"""Classes that the list of failures names of each row, beside those at 0."""
COLUMNS = [
    "method", "backbone", "data set", "protocol", "id", "class", "clips", "pixels", "found", "IoU", "low", "high",
    "recall", "most confused with", "confused", "unlabelled",
]  # fmt: skip


class ClassesJob(Job):
    """What the job that prints the classes of a table's rows is given."""

    stage: ClassVar[str] = "classes_table"

    title: str
    rows: tuple[TableRow, ...]
    """Those that are scored by classes."""
    names: dict[str, tuple[str, ...]]
    """Of each data set, by its title: the names of its classes."""
    csv: str

    def inputs(self) -> list[str]:
        return [row.scores.removesuffix(".json") + ".npz" for row in self.rows]

    def outputs(self) -> list[str]:
        return [*layouts(self.csv), *self.plots()]

    def plots(self) -> list[str]:
        """The files of the figure."""
        return plots(self.csv.removesuffix(".csv"))


def class_table(
    rows: Sequence[TableRow],
    protocols: Sequence[str],
    scores: Sequence[Sequence[ClassScore]],
    names: Mapping[str, Sequence[str]],
) -> pd.DataFrame:
    """One line a row and class with ground truth, in %.

    Args:
        rows: in words.
        protocols: of each.
        scores: of each row's classes.
        names: data set to the names of its classes; others are called by their number.
    """
    lines: list[dict[str, Any]] = []
    for row, protocol, classes in zip(rows, protocols, scores, strict=True):
        for one in classes:
            other = one.confused_with
            lines.append(
                {"method": row.method, "backbone": row.backbone, "data set": row.dataset, "protocol": protocol,
                 "id": one.label, "class": _name(names.get(row.dataset, ()), one.label), "clips": one.clips,
                 "pixels": _percent(one.share), "found": one.iou > 0, "IoU": _percent(one.iou),
                 "low": _percent(one.low), "high": _percent(one.high), "recall": _percent(one.recall),
                 "most confused with": "" if other is None else _name(names.get(row.dataset, ()), other),
                 "confused": _percent(one.confused), "unlabelled": _percent(one.unlabelled)}
            )  # fmt: skip
    return pd.DataFrame(lines, columns=COLUMNS)


def _name(names: Sequence[str], label: int) -> str:
    return names[label] if label < len(names) else f"class {label}"


def _percent(value: float) -> float:
    return round(100 * value, 2)


def groups_of(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Heading and lines of each data set and protocol."""
    groups: Any = table.groupby(["data set", "protocol"], sort=False)
    return [(f"{dataset} ({protocol})", part) for (dataset, protocol), part in groups]


def titled(part: pd.DataFrame) -> pd.DataFrame:
    """With a column `row`: method and backbone."""
    rows = [f"{m}, {b}" if b else m for m, b in zip(part["method"], part["backbone"], strict=True)]
    return part.assign(row=rows)


def classes_to_markdown(table: pd.DataFrame, title: str) -> str:
    """For each data set: classes down, rows across; then where each row fails."""
    parts = [
        f"# {title}: classes\n",
        f"IoU in % over all clips, with the {LEVEL:.0%} interval in square brackets (bootstrap over clips; none "
        "where one clip alone holds the class). Pixels: share of the labelled ones. Classes without ground truth are "
        "left out.\n",
    ]
    for heading, part in groups_of(table):
        shown = (layout(part), failures(part))
        texts = [some.to_markdown(index=False, disable_numparse=True) for some in shown]
        parts.append(
            f"## {heading}\n\n{texts[0]}\n\n### Failures\n\nClasses of which no pixel is found, and those of which "
            f"the largest share (%) is taken for one other class.\n\n{texts[1]}\n"
        )
    return "\n".join(parts)


def classes_to_latex(table: pd.DataFrame) -> str:
    """The same as two tabulars a data set."""
    return "\n".join(
        tabular(some, note=f"{heading}\n{what}")
        for heading, part in groups_of(table)
        for what, some in (("IoU of each class", layout(part)), ("failures", failures(part)))
    )


def layout(part: pd.DataFrame) -> pd.DataFrame:
    """Classes down, from the largest; rows across."""
    known = zip(part["IoU"], part["low"], part["high"], strict=True)
    cells = [f"{iou:.1f}{brackets(low, high)}" for iou, low, high in known]
    some = titled(part).assign(cell=cells)
    wide = some.pivot_table(index=["id", "class"], columns="row", values="cell", aggfunc="first", sort=False)
    first: Any = some.drop_duplicates("id").set_index(["id", "class"])[["clips", "pixels"]]
    order = first.sort_values("pixels", ascending=False, kind="stable").index
    wide = wide.loc[order, list(dict.fromkeys(some["row"]))].fillna("")
    wide.insert(0, "clips", [str(clips) for clips in first.loc[order, "clips"]])
    wide.insert(1, "pixels", [f"{share:.1f}" for share in first.loc[order, "pixels"]])
    return wide.rename_axis(columns=None).reset_index().drop(columns="id")


def failures(part: pd.DataFrame) -> pd.DataFrame:
    """Rows down: the classes at 0, and the classes of which the largest share is taken for another one."""
    lines = []
    groups: Any = titled(part).groupby("row", sort=False)
    for row, some in groups:
        missed = some[~some["found"].astype(bool)].sort_values("pixels", ascending=False, kind="stable")
        found = some[(some["confused"] > 0)].sort_values("confused", ascending=False, kind="stable").head(WORST)
        lines.append(
            {"row": row, "at 0": f"{len(missed)} of {len(some)}", "which": ", ".join(missed["class"]),
             "most confused": "; ".join(
                 f"{line['class']} → {line['most confused with']} {line['confused']:.1f}"
                 for _, line in found.iterrows()
             )}
        )  # fmt: skip
    return pd.DataFrame(lines)
