"""Table stage: scores and the published figures as CSV, Markdown and LaTeX."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zeroshot_vss.costs import seconds_of
from zeroshot_vss.store import results_of
from zeroshot_vss.tables.files import read_clips, read_scores, write_sequences, write_table
from zeroshot_vss.tables.quality import TableJob, long_table, to_latex, to_markdown
from zeroshot_vss.tables.sequences import sequence_table


def run(job: TableJob, csv: Path, published: Path | None, scores: list[Path], timed: list[list[Path]]) -> None:
    """Write the table from the scores of the job's rows, in their order.

    Args:
        job: the rows, in words.
        csv: .csv to write; .md and .tex stand beside it, and `<table>-sequences.csv` and .md with single sequences.
        published: the paper's figures, where there are any.
        scores: of each row.
        timed: for each row the manifests of the stage whose seconds are shown; empty without that column.
    """
    read = [read_scores(path) for path in scores]
    paper = None if published is None else pd.read_csv(published, keep_default_na=True)
    seconds = [seconds_of(results_of(manifests)) for manifests in timed] if job.seconds else None
    table = long_table(job.rows, read, paper, seconds)
    write_table(csv, table, to_markdown(table, job.title, job.across), to_latex(table, job.across))
    one_by_one = sequence_table(job.rows, [read_clips(path.with_suffix(".csv")) for path in scores])
    write_sequences(csv.with_name(f"{csv.stem}-sequences.csv"), one_by_one, job.title)
