"""The three files of a table."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zeroshot_vss.files import replacing


def write_table(csv: Path, table: pd.DataFrame, markdown: str, latex: str) -> None:
    """Write `csv` (long form) and .md and .tex (the paper's layout) beside it, each whole or not at all."""
    csv.parent.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".csv", table.to_csv(index=False)), (".md", markdown), (".tex", latex)):
        with replacing(csv.with_suffix(suffix)) as partial:
            partial.write_text(text)
