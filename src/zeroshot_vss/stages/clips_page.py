"""The scores of each clip as a page."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.report.job import ClipsPageJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.tables import clip_tables, clips_page
from zeroshot_vss.tables.files import read_clips


def run(job: ClipsPageJob) -> None:
    """Write the page."""
    tables = clip_tables(job.rows, [read_clips(Path(path)) for path in job.scores])
    write_page(Path(job.page), job.title, clips_page(job.title, tables))
