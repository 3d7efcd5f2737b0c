"""Sweeps: figures of a method over the values of a setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from zeroshot_vss.jobs.base import Job
from zeroshot_vss.metrics.statistics import Resampled
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.tables.quality import FIGURES, FURTHER, TableRow, percent


class SweepPoint(Settings):
    """One row of scores."""

    label: str
    """The setting's value."""
    row: TableRow


class SweepJob(Job):
    """What the job that plots a sweep is given."""

    stage: ClassVar[str] = "sweep"

    title: str
    axis: str
    figures: tuple[str, ...]
    """Keys of the scores that are plotted."""
    points: tuple[SweepPoint, ...]
    csv: str
    png: str
    pdf: str

    def inputs(self) -> list[str]:
        return [point.row.scores for point in self.points]

    def outputs(self) -> list[str]:
        return [self.csv, self.png, self.pdf]


NAMES = FIGURES | FURTHER


def sweep_table(
    job: SweepJob,
    scores: Sequence[Mapping[str, Any]],
    clips: Sequence[pd.DataFrame],
    samples: Sequence[Resampled],
) -> pd.DataFrame:
    """Long form, in %: one line a point and figure, with its interval and the standard error of its mean over clips.

    Args:
        job: the points, in the order of `scores`.
        scores: pooled figures of each point, 0..1 or None.
        clips: figures of each point's clips.
        samples: those clips, resampled; figures that are not pooled have no interval.
    """
    rows = []
    for point, pooled, single, sample in zip(job.points, scores, clips, samples, strict=True):
        for key, name in NAMES.items():
            if key in pooled:
                over = single[key].dropna().to_numpy(float) if key in single else np.zeros(0)
                error = None if len(over) < 2 else percent(float(over.std(ddof=1)) / len(over) ** 0.5)
                low, high = sample.interval(key)
                rows.append(
                    {job.axis: point.label, "method": point.row.method, "backbone": point.row.backbone,
                     "data set": point.row.dataset, "protocol": pooled["protocol"], "clips": pooled["clips"],
                     "figure": name, "value": percent(pooled[key]), "low": percent(low), "high": percent(high),
                     "standard error": error}
                )  # fmt: skip
    return pd.DataFrame(rows)
