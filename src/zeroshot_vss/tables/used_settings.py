"""Table 3: the settings that really ran, read from the attributes of the results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd

from zeroshot_vss.io.store import open_clip
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.tables.outputs import layouts


class SettingsColumn(Settings):
    """One column of the table."""

    title: str
    stages: dict[str, str]
    """A manifest of each stage."""


class SettingsJob(Job):
    """What the job that prints the table is given."""

    stage: ClassVar[str] = "settings_table"

    title: str
    columns: tuple[SettingsColumn, ...]
    csv: str

    def inputs(self) -> list[str]:
        return [path for column in self.columns for path in column.stages.values()]

    def outputs(self) -> list[str]:
        return layouts(self.csv)


def settings_of(result: Path) -> dict[str, Any]:
    """The settings with which a clip was computed, by dotted name."""
    with open_clip(result) as file:
        key = json.loads(str(file.attrs["key"]))
    return dict(_leaves(key["settings"]))


def _leaves(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    leaves: list[tuple[str, Any]] = []
    for name, value in values.items():
        if isinstance(value, dict) and value:
            leaves += _leaves(value, f"{prefix}{name}.")
        else:
            leaves.append((prefix + name, value))
    return leaves


def settings_table(columns: Sequence[tuple[str, Mapping[str, Mapping[str, Any]]]]) -> pd.DataFrame:
    """Long form: column, stage, setting, value (as JSON). `columns` are titles with the settings of their stages."""
    rows = [
        {"backbone": title, "stage": stage, "setting": name, "value": json.dumps(value)}
        for title, stages in columns
        for stage, settings in stages.items()
        for name, value in settings.items()
    ]
    return pd.DataFrame(rows, columns=["backbone", "stage", "setting", "value"])


def settings_layout(table: pd.DataFrame) -> pd.DataFrame:
    """Settings down, backbones across."""
    wide = table.pivot_table(
        index=["stage", "setting"], columns="backbone", values="value", aggfunc="first", sort=False, fill_value=""
    )
    return wide.rename_axis(columns=None).reset_index()
