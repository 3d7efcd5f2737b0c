"""What shortcuts cost and save: quality, speed, and the share of pixels that they change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd

from zeroshot_vss.io.store import open_clip
from zeroshot_vss.jobs.base import DataSetSpec, Job
from zeroshot_vss.metrics.statistics import Resampled
from zeroshot_vss.tables.efficiency import EfficiencyRow
from zeroshot_vss.tables.intervals import brackets
from zeroshot_vss.tables.outputs import layouts
from zeroshot_vss.tables.quality import percent

QUALITY = {"miou": "mIoU", "mvc8": "mVC8", "boundary_f": "boundary F"}
CHANGED = "changed pixels"


class FrontierJob(Job):
    """What the job that prints the table and draws the plot is given."""

    stage: ClassVar[str] = "frontier"

    title: str
    rows: tuple[EfficiencyRow, ...]
    compared: Literal["method", "backbone"] = "method"
    """What is compared: each backbone's methods with its first one, or each method's backbones with its first one."""
    datasets: dict[str, DataSetSpec]
    """The rows' data sets by their titles."""
    scores: tuple[str, ...]
    """JSON of each row's pooled figures."""
    csv: str
    png: str
    pdf: str

    def inputs(self) -> list[str]:
        return [*self.scores, *(p for row in self.rows for parts in row.stages.values() for p in parts.paths())]

    def outputs(self) -> list[str]:
        return [*layouts(self.csv), self.png, self.pdf]

    @property
    def panel(self) -> list[str]:
        """The columns of the table that rows share with those which they are compared with."""
        return ["backbone" if self.compared == "method" else "method", "data set"]

    def reference(self, index: int) -> int:
        """The row that a row is compared with: the first of its panel."""
        shared = "backbone" if self.compared == "method" else "method"
        same = [(getattr(row, shared), row.dataset) for row in self.rows]
        return same.index(same[index])


def changed_share(results: Sequence[Path], reference: Sequence[Path], mapped: Mapping[str, Sequence[int]]) -> float:
    """Share of pixels (0..1) whose label differs between two rows' label maps.

    Args:
        results: files of the label maps, one a clip.
        reference: those of the other row, for the same clips.
        mapped: clip to the frames that count.
    """
    changed = pixels = 0
    for path, other in zip(results, reference, strict=True):
        with open_clip(path) as file, open_clip(other) as known:
            maps: Any = file["maps"]
            exact: Any = known["maps"]
            for frame in mapped[path.stem]:
                different = np.asarray(maps[frame]) != np.asarray(exact[frame])
                changed += int(different.sum())
                pixels += different.size
    return changed / pixels


def frontier_table(
    job: FrontierJob,
    scores: Sequence[Mapping[str, Any]],
    samples: Sequence[Resampled],
    costs: Sequence[Mapping[str, Any]],
    changed: Sequence[float],
) -> pd.DataFrame:
    """One line a row: quality with intervals and changed pixels in %, frames a second, the gain over its reference.

    Args:
        job: the rows.
        scores: pooled figures of each, 0..1.
        samples: the clips of each, see :func:`zeroshot_vss.metrics.statistics.resample`.
        costs: of each, see :func:`zeroshot_vss.tables.efficiency.efficiency`.
        changed: share of changed pixels of each, 0..1.
    """
    lines = []
    for index, row in enumerate(job.rows):
        rate, known = costs[index]["FPS"], costs[job.reference(index)]["FPS"]
        lines.append(
            {"method": row.method, "backbone": row.backbone, "data set": row.dataset}
            | _quality(scores[index], samples[index])
            | {CHANGED: 100 * changed[index], "FPS": rate, "speed-up": rate / known if rate and known else None}
            | {name: value for name, value in costs[index].items() if name.endswith("s/frame")}
        )
    return pd.DataFrame(lines)


def _quality(pooled: Mapping[str, Any], sample: Resampled) -> dict[str, float | None]:
    figures = {}
    for key, name in QUALITY.items():
        low, high = sample.interval(key)
        figures |= {name: percent(pooled.get(key)), f"{name} low": percent(low), f"{name} high": percent(high)}
    return figures


def on_frontier(table: pd.DataFrame, panel: Sequence[str], quality: str = "mIoU") -> list[bool]:
    """Whether no other row of the same panel is both faster and better, or as good in one of them."""
    undominated = []
    for _, row in table.iterrows():
        peers = table[(table[list(panel)] == row[list(panel)]).all(axis=1)]
        no_worse = (peers["FPS"] >= row["FPS"]) & (peers[quality] >= row[quality])
        better = (peers["FPS"] > row["FPS"]) | (peers[quality] > row[quality])
        undominated.append(not bool((no_worse & better).any()))
    return undominated


def frontier_layout(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one digit of figures in %, their intervals in brackets, and three digits of the others."""
    shown = {}
    for column in table.columns:
        if column in ("method", "backbone", "data set"):
            shown[column] = table[column]
        elif column in QUALITY.values():
            ends = zip(table[column], table[f"{column} low"], table[f"{column} high"], strict=True)
            shown[column] = [_with_interval(*values) for values in ends]
        elif not column.endswith((" low", " high")):
            digits = ".1f" if column == CHANGED else ".3g"
            shown[column] = ["" if pd.isna(value) else f"{value:{digits}}" for value in table[column]]
    return pd.DataFrame(shown)


def _with_interval(value: float, low: float, high: float) -> str:
    return "" if pd.isna(value) else f"{value:.1f}{brackets(low, high)}"
