"""Scores of another system's predictions, a folder of PNG files."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.jobs.score import PredictionsJob
from zeroshot_vss.metrics.protocols import get_protocol
from zeroshot_vss.metrics.scoring import score_folder, write_scores


def run(job: PredictionsJob, scores: Path) -> None:
    """Write the pooled figures to `scores` (JSON), and those of each clip to a CSV beside it."""
    protocol = get_protocol(job.protocol, job.classes)
    clips, pooled = score_folder(job.dataset.open(), Path(job.folder), protocol)
    write_scores(scores, pooled, clips)
