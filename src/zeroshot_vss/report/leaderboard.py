"""The leaderboard of a table: figures with their intervals, ranks, and where each row comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandas as pd
from markupsafe import Markup

from zeroshot_vss.entries.folder import CheckedPredictions
from zeroshot_vss.metrics.statistics import LEVEL
from zeroshot_vss.report.job import LeaderboardRow
from zeroshot_vss.report.page import fill
from zeroshot_vss.tables.intervals import GROUP, SURE, note_of
from zeroshot_vss.tables.intervals_figure import is_first
from zeroshot_vss.workflow.explain import Facts

PAGE_FILES = ("leaderboard.html", "leaderboard.css", "leaderboard.js")
"""Of the page, beside this module."""
MADE, VERIFIED, UNVERIFIED = "made here", "verified", "unverified"


@dataclass(frozen=True)
class Cell:
    """A figure of a row, in %."""

    value: float
    low: float
    high: float
    rank: int
    alike: str
    """Ranks that it is not separable from."""

    @property
    def known(self) -> bool:
        """Whether it has an interval."""
        return self.low == self.low

    @property
    def is_first(self) -> bool:
        """Whether it is the first, or not separable from it."""
        return is_first(self.rank, self.alike)


@dataclass(frozen=True)
class Line:
    """A row of the table on one data set."""

    row: LeaderboardRow
    anchor: str
    status: str
    """`made here`, `verified` or `unverified`."""
    cells: list[Cell | None]
    """One a figure; None where it is undefined."""
    players: list[tuple[str, str]]
    """Clip and address of its player."""
    origin: list[tuple[str, Facts]]
    """Where it comes from, stage by stage."""


@dataclass(frozen=True)
class Section:
    """Rows that were scored on the same clips by one protocol."""

    heading: str
    note: str
    figures: list[str]
    lines: list[Line]
    """By the first figure, from the largest."""


def status_of(checked: CheckedPredictions | None) -> str:
    """How far a row's label maps are known: ours, or another system's with or without an index."""
    if checked is None:
        return MADE
    return UNVERIFIED if checked.index is None else VERIFIED


def sections(
    rows: Sequence[LeaderboardRow],
    intervals: pd.DataFrame,
    comparisons: pd.DataFrame,
    checked: Sequence[CheckedPredictions | None],
    origins: Sequence[list[tuple[str, Facts]]],
    players: Sequence[list[tuple[str, str]]],
) -> list[Section]:
    """What the page shows.

    Args:
        rows: of the table.
        intervals: see :func:`zeroshot_vss.tables.intervals.interval_table`.
        comparisons: see :func:`zeroshot_vss.tables.intervals.comparison_table`.
        checked: what was found in each row's folder; None for rows that the project makes.
        origins: where each row comes from.
        players: clips and addresses of each row's players.
    """
    found = []
    groups: Any = intervals.groupby(GROUP, sort=False)
    for (dataset, protocol, clips), part in groups:
        figures = list(dict.fromkeys(part["figure"]))
        lines = []
        for place, row in enumerate(rows):
            own = part[(part["method"] == row.method) & (part["backbone"] == row.backbone)]
            if row.dataset == dataset and len(own):
                cells = [_cell(own, figure) for figure in figures]
                line = Line(row, f"row-{place}", status_of(checked[place]), cells, players[place], origins[place])
                lines.append(line)
        lines.sort(key=lambda line: -line.cells[0].value if line.cells[0] else 1)
        heading = f"{dataset} ({protocol}, {clips} clip{'s' if clips > 1 else ''})"
        found.append(Section(heading, note_of(part, comparisons), figures, lines))
    return found


def _cell(lines: pd.DataFrame, figure: str) -> Cell | None:
    some: Any = lines[lines["figure"] == figure]
    for line in some.to_dict("records"):
        return Cell(line["value"], line["low"], line["high"], line["rank"], str(line["not separable from"]))
    return None


def predicted_facts(checked: CheckedPredictions) -> Facts:
    """What is known of another system's predictions."""
    facts: Facts = []
    if (index := checked.index) is not None:
        data = index.result.dataset
        further = {name: getattr(index, name) for name in ("paper", "url", "license", "hardware")}
        facts += [("system", index.name), *((name, value) for name, value in further.items() if value)]
        facts.append(("made for", ", ".join(part for part in (data.name, data.split, data.protocol) if part)))
        facts += [("stated by its authors", f"{one.type} {one.value:g}") for one in index.result.metrics]
    said = "it has no model-index.yml" if index is None else "every label map is what model-index.yml says"
    return [
        *facts,
        ("folder", checked.folder),
        (status_of(checked), said),
        ("label maps", str(len(checked.files))),
        ("SHA-256 over all", checked.digest),
    ]


def leaderboard_page(title: str, found: Sequence[Section]) -> Markup:
    """The body of the page."""
    own = files("zeroshot_vss.report")
    template, style, script = (own.joinpath(name).read_text("utf-8") for name in PAGE_FILES)
    return fill(
        template, title=title, sections=found, level=f"{LEVEL:.0%}", sure=f"{SURE:.2f}", style=Markup(style),
        script=Markup(script),
    )  # fmt: skip
