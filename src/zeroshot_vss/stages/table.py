"""Table stage: scores and the published figures as CSV, Markdown and LaTeX."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from zeroshot_vss.files import replacing
from zeroshot_vss.tables import TableJob, long_table, to_latex, to_markdown


def run(job: TableJob, title: str, published: Path, stem: Path, scores: list[Path]) -> None:
    """Write `<stem>.csv`, `.md` and `.tex` from the scores of the job's rows, in their order."""
    read = [json.loads(path.read_text()) for path in scores]
    table = long_table(job.rows, read, pd.read_csv(published, keep_default_na=True))
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix, text in ((".csv", table.to_csv(index=False)), (".md", to_markdown(table, title)),
                         (".tex", to_latex(table))):  # fmt: skip
        with replacing(stem.with_suffix(suffix)) as partial:
            partial.write_text(text)
