"""The files that tables are made of, the three files of a table, and those of a plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.metrics.scores import load_clips
from zeroshot_vss.metrics.statistics import LEVEL, Resampled, resample
from zeroshot_vss.tables.latex import tabular

BARS = f"Bars: {LEVEL:.0%} bootstrap intervals over clips"
"""Under the title of a plot that has them."""
_AGAIN = "delete it and run again: the row is then scored anew"


def read_scores(path: Path) -> dict[str, Any]:
    """The pooled figures of a row.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        figures = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} holds no scores ({error}); {_AGAIN}") from error
    if not isinstance(figures, dict) or not {"protocol", "clips", "frames"} <= set(figures):
        raise InputError(f"{path} holds no scores; {_AGAIN}")
    return figures


def read_clips(path: Path) -> pd.DataFrame:
    """The figures of each clip of a row.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        # Else the clip 0016E5 is a number, and NA is no clip.
        table = pd.read_csv(path, dtype={"clip": str}, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        raise InputError(f"{path} holds no scores ({error}); {_AGAIN}") from error
    if not {"clip", "frames"} <= set(table.columns):
        raise InputError(f"{path} holds no scores of clips; {_AGAIN}")
    return table


def read_samples(scores: Path) -> Resampled:
    """The clips of a row, resampled, from the file beside its pooled figures."""
    return resample(load_clips(scores.with_suffix(".npz")))


def write_table(csv: Path, table: pd.DataFrame, markdown: str, latex: str | None = None) -> None:
    """Write `csv` (long form) and .md and, where given, .tex (for people) beside it, each whole or not at all."""
    texts = {".csv": table.to_csv(index=False), ".md": markdown} | ({} if latex is None else {".tex": latex})
    for suffix, text in texts.items():
        with replacing(csv.with_suffix(suffix)) as partial:
            partial.write_text(text)


def write_one_layout(csv: Path, table: pd.DataFrame, layout: pd.DataFrame, title: str) -> None:
    """Write a table whose Markdown and LaTeX are one and the same `layout` of texts under a title."""
    markdown = f"# {title}\n\n{layout.to_markdown(index=False, disable_numparse=True)}\n"
    write_table(csv, table, markdown, tabular(layout))


def write_plot(figure: Any, *paths: Path) -> None:
    """Write a figure of matplotlib as PNG or PDF, by the paths' endings; the same bytes each time."""
    for path in paths:
        metadata = {"Software": None} if path.suffix == ".png" else {"CreationDate": None}
        with replacing(path) as partial:
            figure.savefig(partial, dpi=200, format=path.suffix[1:], metadata=metadata)
