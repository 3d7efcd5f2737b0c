"""A table as a page."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.report.job import TablePageJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.tables import from_markdown


def run(job: TablePageJob) -> None:
    """Write the page from the table's Markdown."""
    text = "\n".join(Path(path).read_text() for path in job.markdown)
    write_page(Path(job.page), job.title, from_markdown(text))
