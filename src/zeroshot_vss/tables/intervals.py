"""How sure a table's figures are: an interval and a rank of each, and the difference of each two rows."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from zeroshot_vss.metrics.statistics import FEW, LEVEL, Resampled, compare, holm, least_p
from zeroshot_vss.tables.latex import tabular
from zeroshot_vss.tables.quality import FIGURES, FURTHER, TableRow, titles_of_all

ROW = ["method", "backbone"]
OTHER = ["other method", "other backbone"]
GROUP = ["data set", "protocol", "clips"]
SURE = 1 - LEVEL
"""Holm's p below which two rows are told apart."""


def interval_table(rows: Sequence[TableRow], samples: Sequence[Resampled], comparisons: pd.DataFrame) -> pd.DataFrame:
    """One line a row and figure, in %.

    Args:
        rows: in words.
        samples: the clips of each, see :func:`zeroshot_vss.metrics.statistics.resample`.
        comparisons: of the same rows, see `comparison_table`.

    Returns:
        Value, ends of its interval, its rank among the rows of the data set from the largest (equal ones share it),
        and the ranks of the rows that it is not separable from.
    """
    lines: list[dict[str, Any]] = []
    for places in _comparable(rows, samples):
        for key, title in _titles(samples[places[0]]).items():
            figures = {place: samples[place].figures[key] for place in places}
            values = {place: figure for place, figure in figures.items() if not np.isnan(figure)}
            ranks = {place: 1 + sum(other > value for other in values.values()) for place, value in values.items()}
            alike = _not_separable(comparisons, title)
            for place, value in values.items():
                low, high = samples[place].interval(key)
                others = {ranks[other] for other in ranks if frozenset((place, other)) in alike}
                lines.append(
                    _words(rows[place], ROW) | _group(rows[place], samples[place])
                    | {"figure": title, "value": _percent(value), "low": _percent(low), "high": _percent(high),
                       "rank": ranks[place], "not separable from": ", ".join(map(str, sorted(others)))}
                )  # fmt: skip
    return pd.DataFrame(lines, columns=[*ROW, *GROUP, "figure", "value", "low", "high", "rank", "not separable from"])


def comparison_table(rows: Sequence[TableRow], samples: Sequence[Resampled]) -> pd.DataFrame:
    """One line for each two rows of the same clips and each figure: difference in %, its interval, p.

    Holm's p is adjusted over all pairs of a data set and figure.

    Args:
        rows: in words.
        samples: the clips of each.

    Returns:
        Its `index` names the rows' places, for `interval_table`.
    """
    lines, pairs = [], []
    for places in _comparable(rows, samples):
        compared = {pair: compare(samples[pair[0]], samples[pair[1]]) for pair in combinations(places, 2)}
        for key, title in _titles(samples[places[0]]).items():
            found = {pair: figures[key] for pair, figures in compared.items() if key in figures}
            adjusted = holm([comparison.p for comparison in found.values()])
            for ((one, other), comparison), p in zip(found.items(), adjusted, strict=True):
                pairs.append((one, other))
                lines.append(
                    _words(rows[one], ROW) | _words(rows[other], OTHER) | _group(rows[one], samples[one])
                    | {"figure": title, "difference": _percent(comparison.difference),
                       "low": _percent(comparison.low), "high": _percent(comparison.high),
                       "p": float(f"{comparison.p:.4g}"), "Holm p": float(f"{p:.4g}"), "separable": p < SURE}
                )  # fmt: skip
    columns = [*ROW, *OTHER, *GROUP, "figure", "difference", "low", "high", "p", "Holm p", "separable"]
    index = pd.MultiIndex.from_tuples(pairs, names=["one", "other"]) if pairs else None
    return pd.DataFrame(lines, columns=columns, index=index)


def intervals_to_markdown(table: pd.DataFrame, comparisons: pd.DataFrame, title: str) -> str:
    """For each data set: rows down, figures across."""
    parts = [
        f"# {title}: intervals and ranks\n",
        f"In %, with the {LEVEL:.0%} interval in square brackets: bootstrap over clips, the figure pooled anew for "
        "each draw. In round brackets the rank, from the largest; behind ~ the ranks it is not separable from.\n",
    ]
    for group, note, wide in _interval_layouts(table, comparisons):
        parts.append(_section(group, note, wide))
    return "\n".join(parts)


def intervals_to_latex(table: pd.DataFrame, comparisons: pd.DataFrame) -> str:
    """A tabular for each data set, as `intervals_to_markdown` has them."""
    return "\n".join(
        tabular(wide, note=f"{group}\n{note}") for group, note, wide in _interval_layouts(table, comparisons)
    )


def comparisons_to_markdown(table: pd.DataFrame, title: str) -> str:
    """For each data set: pairs of rows down, figures across."""
    parts = [
        f"# {title}: differences of each two rows\n",
        f"The first row's figure less the second's, in %, with the {LEVEL:.0%} interval of the paired bootstrap over "
        "clips; p of the test that exchanges the rows' results of whole clips, after Holm over all pairs. "
        f"A star: separable (p < {SURE:.2f}).\n",
    ]
    for group, note, wide in _comparison_layouts(table):
        parts.append(_section(group, note, wide))
    return "\n".join(parts)


def comparisons_to_latex(table: pd.DataFrame) -> str:
    """A tabular for each data set, as `comparisons_to_markdown` has them."""
    return "\n".join(tabular(wide, note=f"{group}\n{note}") for group, note, wide in _comparison_layouts(table))


def _comparison_layouts(table: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Heading, note and texts of each data set."""
    layouts = []
    for group, part in _groups(table):
        cells = [
            f"{line['difference']:+.1f}{brackets(line['low'], line['high'])}, p {line['Holm p']:.2g}"
            f"{' *' if line['separable'] else ''}"
            for line in _lines(part)
        ]
        layouts.append((group, note_of(part, table), _across(part.assign(cell=cells), [*ROW, *OTHER])))
    return layouts


def _comparable(rows: Sequence[TableRow], samples: Sequence[Resampled]) -> list[list[int]]:
    """Places of the rows that are scored on the same clips by the same protocol."""
    groups: dict[object, list[int]] = {}
    for place, (row, sample) in enumerate(zip(rows, samples, strict=True)):
        groups.setdefault((row.dataset, sample.clips[0].protocol, sample.names), []).append(place)
    return list(groups.values())


def _titles(sample: Resampled) -> dict[str, str]:
    """The pooled figures that tables show."""
    shown = FIGURES | FURTHER | titles_of_all([sample.clips[0].protocol])
    return {key: title for key, title in shown.items() if key in sample.figures}


def _words(row: TableRow, names: Sequence[str]) -> dict[str, str]:
    return dict(zip(names, (row.method, row.backbone), strict=True))


def _group(row: TableRow, sample: Resampled) -> dict[str, object]:
    return dict(zip(GROUP, (row.dataset, sample.clips[0].protocol, len(sample.clips)), strict=True))


def _percent(value: float) -> float:
    return round(100 * value, 2)


def _not_separable(comparisons: pd.DataFrame, figure: str) -> set[frozenset[int]]:
    """Pairs of places of rows."""
    some: Any = comparisons[(comparisons["figure"] == figure) & ~comparisons["separable"].astype(bool)]
    return {frozenset(pair) for pair in some.index}


def _interval_layouts(table: pd.DataFrame, comparisons: pd.DataFrame) -> list[tuple[str, str, pd.DataFrame]]:
    """Heading, note and texts of each data set."""
    layouts = []
    for group, part in _groups(table):
        cells = [
            f"{line['value']:.1f}{brackets(line['low'], line['high'])} ({line['rank']}"
            f"{' ~ ' + line['not separable from'] if line['not separable from'] else ''})"
            for line in _lines(part)
        ]
        layouts.append((group, note_of(part, comparisons), _across(part.assign(cell=cells), ROW)))
    return layouts


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Heading and lines of each data set."""
    groups: Any = table.groupby(GROUP, sort=False)
    return [(f"{dataset} ({protocol}, {clips} clips)", part) for (dataset, protocol, clips), part in groups]


def _lines(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.to_dict("records")  # pyright: ignore[reportReturnType]


def _across(part: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    wide = part.pivot_table(index=names, columns="figure", values="cell", aggfunc="first", sort=False, fill_value="")
    return wide.rename_axis(columns=None).reset_index()


def _section(heading: str, note: str, layout: pd.DataFrame) -> str:
    parts = [f"## {heading}", note, layout.to_markdown(index=False, disable_numparse=True)]
    return "\n\n".join(part for part in parts if part) + "\n"


def brackets(low: float, high: float) -> str:
    """An interval behind its figure; nothing where there is none (NaN)."""
    return "" if np.isnan(low) else f" [{low:.1f}, {high:.1f}]"


def note_of(part: pd.DataFrame, comparisons: pd.DataFrame) -> str:
    """What can be known from so few clips.

    Args:
        part: lines of one data set, of an `interval_table` or a `comparison_table`.
        comparisons: all of them.
    """
    first: Any = part.iloc[0]
    same = (comparisons[[*GROUP, "figure"]] == first[[*GROUP, "figure"]]).all(axis=1)
    clips, pairs = int(first["clips"]), int(same.sum())
    notes = []
    if clips < 2:
        notes.append("One clip has no interval.")
    elif clips < FEW:
        notes.append(f"Intervals over fewer than {FEW} clips are too narrow.")
    if pairs and (least := min(1.0, pairs * least_p(clips))) >= SURE:
        notes.append(
            f"So few clips cannot separate any two rows: Holm's p of {pairs} pair{'s' if pairs > 1 else ''} "
            f"is {least:.2g} at least."
        )
    return " ".join(notes)
