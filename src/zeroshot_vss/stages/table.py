"""Table stage: scores and the published figures as CSV, Markdown and LaTeX."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zeroshot_vss.io.costs import seconds_of
from zeroshot_vss.io.store import results_of
from zeroshot_vss.tables.files import read_clips, read_samples, read_scores, write_table
from zeroshot_vss.tables.intervals import (
    comparison_table,
    comparisons_to_latex,
    comparisons_to_markdown,
    interval_table,
    intervals_to_latex,
    intervals_to_markdown,
)
from zeroshot_vss.tables.quality import TableJob, TableRow, long_table, to_latex, to_markdown
from zeroshot_vss.tables.sequences import sequence_table, sequences_to_markdown


def run(job: TableJob) -> None:
    """Write the table and its statistics from the scores of the job's rows: CSV, and layouts beside it."""
    scores = [read_scores(Path(row.scores)) for row in job.rows]
    paper = None if job.published is None else pd.read_csv(job.published, keep_default_na=True)
    seconds = [_seconds(row) for row in job.rows] if job.seconds else None
    table = long_table(job.rows, scores, paper, seconds)
    write_table(Path(job.csv), table, to_markdown(table, job.title, job.across), to_latex(table, job.across))
    clips = [read_clips(Path(row.scores).with_suffix(".csv")) for row in job.rows]
    sequences = sequence_table(job.rows, clips)
    write_table(Path(job.sequences), sequences, sequences_to_markdown(sequences, job.title))
    samples = [read_samples(Path(row.scores)) for row in job.rows]
    comparisons = comparison_table(job.rows, samples)
    intervals = interval_table(job.rows, samples, comparisons)
    latex = intervals_to_latex(intervals, comparisons)
    write_table(Path(job.intervals), intervals, intervals_to_markdown(intervals, comparisons, job.title), latex)
    latex = comparisons_to_latex(comparisons)
    write_table(Path(job.comparisons), comparisons, comparisons_to_markdown(comparisons, job.title), latex)


def _seconds(row: TableRow) -> float | None:
    return None if row.timed is None else seconds_of(results_of(row.timed.paths()))
