"""Table 4: what the stages of a row cost, from the costs that are kept beside their results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from zeroshot_vss.io.costs import costs_of
from zeroshot_vss.io.store import open_clip, results_of
from zeroshot_vss.jobs.base import Job, Parts
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.tables.outputs import layouts

MEBIBYTE = 2**20


class EfficiencyRow(Settings):
    """One row of the table."""

    method: str
    backbone: str
    dataset: str
    stages: dict[str, Parts]
    """Manifests of each stage, in the order of the stages; the label maps last."""
    key: tuple[str, str, str] = ("", "", "")
    """Names of method, backbone and data set in the config, which published rows are matched by."""

    def results(self) -> dict[str, list[Path]]:
        """Files of each stage's results."""
        return {stage: results_of(parts.paths()) for stage, parts in self.stages.items()}


class EfficiencyJob(Job):
    """What the job that prints the table is given."""

    stage: ClassVar[str] = "efficiency_table"

    title: str
    rows: tuple[EfficiencyRow, ...]
    published: str | None = None
    """The paper's figures."""
    csv: str

    def inputs(self) -> list[str]:
        stages = [path for row in self.rows for parts in row.stages.values() for path in parts.paths()]
        return [*stages, *([self.published] if self.published else [])]

    def outputs(self) -> list[str]:
        return layouts(self.csv)


def frames_in(result: Path) -> int:
    """Number of frames of a result with label maps."""
    with open_clip(result) as file:
        return len(file["maps"])


def efficiency(frames: int, stages: Mapping[str, Sequence[Path]]) -> dict[str, Any]:
    """Seconds a frame of each stage, frames a second of all together, peaks of memory, disk.

    Undefined (None) where a stage's costs are not known for all of its results.
    """
    figures: dict[str, Any] = {}
    host, gpu = [], []
    for stage, results in stages.items():
        costs = costs_of(results)
        known = costs and len(costs) == len(results)
        figures[f"{stage} s/frame"] = sum(cost.seconds for cost in costs) / frames if known else None
        host += [cost.host_gib for cost in costs]
        gpu += [cost.gpu_gib for cost in costs if cost.gpu_gib is not None]
    seconds = list(figures.values())
    total = None if None in seconds else sum(seconds)
    disk = sum(result.stat().st_size for results in stages.values() for result in results)
    return {
        "FPS": 1 / total if total else None,
        **figures,
        "host GiB": max(host, default=None),
        "GPU GiB": max(gpu, default=None),
        "disk MiB/frame": disk / MEBIBYTE / frames,
    }


def paper_rates(rows: Sequence[EfficiencyRow], published: pd.DataFrame) -> list[float | None]:
    """The paper's frames a second of each row (columns method_key, backbone_key, dataset_key, FPS), where known."""
    known = published.set_index(["method_key", "backbone_key", "dataset_key"])["FPS"]
    return [float(known.loc[row.key]) if row.key in known.index else None for row in rows]


def efficiency_layout(table: pd.DataFrame) -> pd.DataFrame:
    """The table with three significant digits."""
    names = ["method", "backbone", "data set", "frames"]
    shown = table.drop(columns=names).map(lambda value: "" if pd.isna(value) else f"{value:.3g}")
    return pd.concat([table[names], shown], axis=1)
