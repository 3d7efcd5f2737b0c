"""How the rows of a table were made, as a page."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.report.job import RunsPageJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.runs import runs_page, stage_run


def run(job: RunsPageJob) -> None:
    """Write the page."""
    rows = [
        (row, [stage_run(name, [Path(path) for path in parts.paths()]) for name, parts in row.stages.items()])
        for row in job.rows
    ]
    write_page(Path(job.page), job.title, runs_page(job.title, rows))
