"""Score stage: a row's label maps, or another system's predictions, against the ground truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zeroshot_vss.datasets import DataSet
from zeroshot_vss.io.store import Manifest, find_files, open_clip
from zeroshot_vss.jobs.base import Parts
from zeroshot_vss.jobs.score import ScoreJob
from zeroshot_vss.metrics.protocols.base import Protocol, get_protocol, pool
from zeroshot_vss.metrics.scores import ClipScores, save_clips
from zeroshot_vss.metrics.scoring import score_clip, score_folder, write_scores


def run(job: ScoreJob) -> None:
    """Write the pooled figures as JSON; beside it those of each clip as CSV, and all that pooling needs as .npz."""
    dataset, protocol = job.open(), get_protocol(job.protocol, job.classes)
    if job.predictions is not None:
        scores, pooled = score_folder(dataset, Path(job.predictions), protocol)
    else:
        assert job.maps is not None
        scores = score_maps(dataset, job.clips, job.maps, protocol)
        pooled = pool(scores)
    save_clips(Path(job.scores).with_suffix(".npz"), scores)
    write_scores(Path(job.scores), pooled, scores, dataset.attributes())


def score_maps(dataset: DataSet, clips: tuple[str, ...], maps: Parts, protocol: Protocol) -> list[ClipScores]:
    """The scores of each clip's label maps.

    Raises:
        InputError: maps are missing, or are not what their manifest names.
    """
    files = find_files(clips, [Manifest.load(path) for path in maps.paths()])
    scores: list[ClipScores] = []
    for name in clips:
        clip = dataset.clip(name)
        with open_clip(files[name]) as file:
            labels = file.expect("maps", np.uint8, (len(clip), *clip.size))
            scores.append(score_clip(clip, lambda frame, labels=labels: labels[frame], protocol))
    return scores
