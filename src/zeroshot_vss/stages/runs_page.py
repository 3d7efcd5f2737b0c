"""How the rows of a table were made, as a page."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.report.job import RunsPageJob
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.runs import runs_page, stage_run


def run(job: RunsPageJob, page: Path, manifests: list[Path]) -> None:
    """Write the page. `manifests` are those of each stage of each row, in the order in which the job counts them."""
    left = iter(manifests)
    rows = [
        (row, [stage_run(name, [next(left) for _ in range(count)]) for name, count in row.stages]) for row in job.rows
    ]
    write_page(page, job.title, runs_page(job.title, rows))
