"""The scores of each clip as a page."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.report.job import ClipsPageJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.tables import clip_tables, clips_page
from zeroshot_vss.tables.files import read_clips


def run(job: ClipsPageJob, page: Path, scores: list[Path]) -> None:
    """Write the page. `scores` are of the job's rows, in their order."""
    tables = clip_tables(job.rows, [read_clips(path) for path in scores])
    write_page(page, job.title, clips_page(job.title, tables))
