"""Table 4 as a stage."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from zeroshot_vss.tables.efficiency import EfficiencyJob, efficiency, efficiency_layout, frames_in, paper_rates
from zeroshot_vss.tables.files import write_one_layout


def run(job: EfficiencyJob) -> None:
    """Write the table, with the paper's figures where there are any."""
    rows = []
    for row in job.rows:
        stages = row.results()
        frames = sum(map(frames_in, stages["upsample"]))
        columns = {"method": row.method, "backbone": row.backbone, "data set": row.dataset, "frames": frames}
        rows.append(columns | efficiency(frames, stages))
    table = pd.DataFrame(rows)
    if job.published is not None:
        table["paper FPS"] = paper_rates(job.rows, pd.read_csv(job.published))
    write_one_layout(Path(job.csv), table, efficiency_layout(table), job.title)
