"""The leaderboard of a table."""

from __future__ import annotations

import os
from pathlib import Path

from zeroshot_vss.entries.folder import CheckedPredictions, read_checked
from zeroshot_vss.provenance.files import file_digest
from zeroshot_vss.report.job import LeaderboardJob, LeaderboardRow
from zeroshot_vss.report.leaderboard import leaderboard_page, predicted_facts, sections
from zeroshot_vss.report.page import write_page
from zeroshot_vss.report.runs import stage_run
from zeroshot_vss.tables.files import read_scores
from zeroshot_vss.tables.intervals_figure import read_statistics
from zeroshot_vss.workflow.explain import Facts


def run(job: LeaderboardJob) -> None:
    """Write the page."""
    page = Path(job.page)
    checked = [None if row.checked is None else read_checked(Path(row.checked)) for row in job.rows]
    players = [
        [(clip, Path(os.path.relpath(path, page.parent)).as_posix()) for clip, path in row.players.items()]
        for row in job.rows
    ]
    origins = [_origin(row, found) for row, found in zip(job.rows, checked, strict=True)]
    found = sections(
        job.rows,
        read_statistics(Path(job.intervals)),
        read_statistics(Path(job.comparisons)),
        checked,
        origins,
        players,
    )
    write_page(page, job.title, leaderboard_page(job.title, found))


def _origin(row: LeaderboardRow, checked: CheckedPredictions | None) -> list[tuple[str, Facts]]:
    stages = [stage_run(name, [Path(path) for path in parts.paths()]) for name, parts in row.stages.items()]
    made = [(run.name, run.facts) for run in stages]
    if checked is not None:
        made.append(("predictions", predicted_facts(checked)))
    scores = Path(row.scores)
    pooled = read_scores(scores)
    facts: Facts = [(name, str(pooled[name])) for name in ("protocol", "clips", "frames")]
    return [*made, ("scores", [*facts, ("file", row.scores), ("SHA-256", file_digest(scores))])]
