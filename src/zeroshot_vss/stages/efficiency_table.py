"""Table 4 as a stage."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zeroshot_vss.io.store import results_of
from zeroshot_vss.tables.efficiency import EfficiencyJob, efficiency, efficiency_layout, frames_in, paper_rates
from zeroshot_vss.tables.files import write_one_layout


def run(job: EfficiencyJob, csv: Path, published: Path | None, manifests: list[Path]) -> None:
    """Write the table, with the paper's figures where there are any.

    `manifests` are those of each row's stages, in the order in which the job names them.
    """
    left = iter(manifests)
    rows = []
    for row in job.rows:
        stages = {stage: results_of([next(left) for _ in range(count)]) for stage, count in row.stages}
        frames = sum(map(frames_in, stages["upsample"]))
        words = {"method": row.method, "backbone": row.backbone, "data set": row.dataset, "frames": frames}
        rows.append(words | efficiency(frames, stages))
    table = pd.DataFrame(rows)
    if published is not None:
        table["paper FPS"] = paper_rates(job.rows, pd.read_csv(published))
    write_one_layout(csv, table, efficiency_layout(table), job.title)
