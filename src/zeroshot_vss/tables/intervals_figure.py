"""What the figure of a table's intervals and ranks is given, and the words of its ranks."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.tables.intervals import GROUP
from zeroshot_vss.tables.outputs import plots

TEXTS = ("method", "backbone", "other method", "other backbone", "data set", "protocol", "not separable from")
"""Columns of words, of tables of intervals and of differences."""


class IntervalsFigureJob(Job):
    """What the job that draws a table's intervals is given."""

    stage: ClassVar[str] = "intervals_figure"

    title: str
    intervals: str
    """CSV of the table's intervals and ranks; the figure lies beside it."""
    comparisons: str
    """CSV of the differences of each two rows."""

    def inputs(self) -> list[str]:
        return [self.intervals, self.comparisons]

    def outputs(self) -> list[str]:
        return plots(self.intervals.removesuffix(".csv"))


def read_statistics(csv: Path) -> pd.DataFrame:
    """A table of intervals or differences; empty texts are no missing numbers."""
    table = pd.read_csv(csv, dtype=dict.fromkeys(TEXTS, str))
    return table.fillna(dict.fromkeys(TEXTS, ""))


def groups_of(intervals: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Heading and lines of each data set, protocol and number of clips."""
    groups: Any = intervals.groupby(GROUP, sort=False)
    return [
        (f"{dataset} ({protocol}, {clips} clip{'s' if clips > 1 else ''})", part)
        for (dataset, protocol, clips), part in groups
    ]


def is_first(rank: int, alike: str) -> bool:
    """Whether it is the first, or not separable from it.

    Args:
        rank: its own.
        alike: ranks that it is not separable from, with commas between them.
    """
    return rank == 1 or "1" in alike.split(", ")


def rank_words(rank: int, alike: str) -> str:
    """A rank, and behind ~ those that it is not separable from; three or more in a row as a range.

    A range may run over the rank itself, so that the words are short enough for the side of a panel.
    """
    others = set(map(int, alike.split(", "))) if alike else set()
    both = sorted(others | {rank})
    breaks = [place for place, (one, following) in enumerate(pairwise(both), 1) if following > one + 1]
    words = []
    for start, end in pairwise([0, *breaks, len(both)]):
        run = both[start:end]
        known = [one for one in run if one in others]
        inner = [one for one in run if known and known[0] <= one <= known[-1]]
        words += [f"{inner[0]}\N{EN DASH}{inner[-1]}"] if len(inner) > 2 else map(str, known)
    return f"{rank} ~ {', '.join(words)}" if words else str(rank)
