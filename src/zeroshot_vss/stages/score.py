"""Score stage: a row's label maps against the ground truth."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.metrics.protocols import get_protocol, pool
from zeroshot_vss.metrics.scores import ClipScores
from zeroshot_vss.scoring import score_clip, write_scores
from zeroshot_vss.stages.job import ScoreJob
from zeroshot_vss.store import Manifest, find_files, open_clip


def run(job: ScoreJob, scores: Path, *manifests: Path) -> None:
    """Write the pooled figures to `scores` (JSON), and those of each clip to a CSV beside it."""
    dataset = job.dataset.open()
    protocol = get_protocol(job.protocol, job.classes)
    files = find_files(job.clips, [Manifest.load(path) for path in manifests])
    scored: list[ClipScores] = []
    for name in job.clips:
        with open_clip(files[name]) as file:
            maps = file["maps"]
            scored.append(score_clip(dataset.clip(name), lambda i, maps=maps: maps[i], protocol))
    write_scores(scores, pool(scored), scored, dataset.attributes())
