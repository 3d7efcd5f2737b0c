"""Tables in LaTeX that compile as they are: booktabs, numbers right-aligned on the point, the best in bold."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from itertools import groupby

import pandas as pd

PACKAGES = r"% In the preamble: \usepackage{booktabs}"
_ESCAPED = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "±": r"$\pm$", "λ": r"$\lambda$",
    "\N{MULTIPLICATION SIGN}": r"$\times$",
    "<": r"$<$", ">": r"$>$", "→": r"$\to$", "²": r"$^2$", "µ": r"$\mu$", "≤": r"$\leq$", "≥": r"$\geq$",
}  # fmt: skip
_NUMBER = re.compile(r"[-+]?[0-9][0-9,]*(\.[0-9]+)?( ± [0-9.]+)?( ?[%x])?")


def escaped(text: str) -> str:
    """Text as LaTeX shows it."""
    return "".join(_ESCAPED.get(letter, letter) for letter in text)


def tabular(
    table: pd.DataFrame, best: Collection[int] = (), among: Sequence[bool] | None = None, note: str = ""
) -> str:
    """A `tabular` of texts.

    Args:
        table: texts; columns may have two levels, whose first one spans its columns. Columns that hold numbers alone
            are right-aligned: their decimals are as many in each row, so that their points stand below each other.
        best: positions of columns whose largest number is bold, or several that are as large.
        among: rows that may be bold; all where None.
        note: a comment above.
    """
    texts = [[str(value) for value in row] for row in table.itertuples(index=False)]
    columns = list(zip(*texts, strict=True)) if texts else [()] * table.shape[1]
    numeric = [_are_numbers(column) for column in columns]
    allowed = [True] * len(texts) if among is None else list(among)
    bold = {(row, column) for column in best for row in _largest(columns[column], allowed)}
    lines = [PACKAGES, *(f"% {line}" for line in note.splitlines() if line)]
    lines += [rf"\begin{{tabular}}{{{''.join('r' if number else 'l' for number in numeric)}}}", r"\toprule"]
    lines += [*_heads(table, numeric), r"\midrule"]
    for place, row in enumerate(texts):
        cells = [
            rf"\textbf{{{escaped(text)}}}" if (place, column) in bold else escaped(text)
            for column, text in enumerate(row)
        ]
        line = " & ".join(cells)
        # What ends the line before would take a bracket or a star for its own.
        lines.append(("{}" if line[:1] in ("[", "*") else "") + line + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def _are_numbers(texts: Sequence[str]) -> bool:
    """Whether a column is to be right-aligned."""
    filled = [text for text in texts if text]
    return bool(filled) and all(_NUMBER.fullmatch(text) for text in filled)


def _largest(texts: Sequence[str], allowed: Sequence[bool]) -> list[int]:
    numbers = {
        row: float(text.split(" ")[0].replace(",", ""))
        for row, text in enumerate(texts)
        if allowed[row] and _NUMBER.fullmatch(text)
    }
    # What is alone is not the best of anything.
    return [row for row, number in numbers.items() if number == max(numbers.values())] if len(numbers) > 1 else []


def _heads(table: pd.DataFrame, numeric: Sequence[bool]) -> list[str]:
    """The lines of the head; a title over several columns has a thin rule below it."""
    levels = [column if isinstance(column, tuple) else ("", column) for column in table.columns]
    lines: list[str] = []
    if any(first for first, _ in levels):
        cells, rules, place = [], [], 1
        for first, group in groupby(levels, key=lambda level: level[0]):
            width = len(list(group))
            cells.append(rf"\multicolumn{{{width}}}{{c}}{{{escaped(str(first))}}}" if first else " & " * (width - 1))
            rules += [rf"\cmidrule(lr){{{place}-{place + width - 1}}}"] if first else []
            place += width
        lines += [" & ".join(cells) + r" \\", " ".join(rules)]
    headings = [
        rf"\multicolumn{{1}}{{r}}{{{escaped(str(second))}}}" if number else escaped(str(second))
        for (_, second), number in zip(levels, numeric, strict=True)
    ]
    return [*lines, " & ".join(headings) + r" \\"]
