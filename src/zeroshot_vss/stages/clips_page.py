"""The scores of each clip as a page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zeroshot_vss.report.job import ClipsPageJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.tables import clip_tables, clips_page


def run(job: ClipsPageJob, page: Path, scores: list[Path]) -> None:
    """Write the page. `scores` are of the job's rows, in their order."""
    tables = clip_tables(job.rows, [pd.read_csv(path) for path in scores])
    write_page(page, job.title, clips_page(job.title, tables))
