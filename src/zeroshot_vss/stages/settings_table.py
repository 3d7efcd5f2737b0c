"""Table 3 as a stage."""

from __future__ import annotations

from pathlib import Path

from zeroshot_vss.io.store import results_of
from zeroshot_vss.tables.files import write_one_layout
from zeroshot_vss.tables.used_settings import SettingsJob, settings_layout, settings_of, settings_table


def run(job: SettingsJob) -> None:
    """Write the table."""
    columns = [
        (column.title, {stage: settings_of(results_of([path])[0]) for stage, path in column.stages.items()})
        for column in job.columns
    ]
    table = settings_table(columns)
    write_one_layout(Path(job.csv), table, settings_layout(table), job.title)
