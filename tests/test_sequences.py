"""Rows sequence by sequence: groups, means and intervals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from zeroshot_vss.datasets.davis import Davis, DavisOptions
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.statistics import mean_interval
from zeroshot_vss.tables.files import read_clips
from zeroshot_vss.tables.quality import TableRow
from zeroshot_vss.tables.sequences import groups_of, sequence_table, sequences_to_markdown


def row(method: str, dataset: str = "DAVIS") -> TableRow:
    return TableRow(method=method, backbone="tiny", supervision="zero-shot", dataset=dataset, key=(method, "b", "d"))


def clips() -> pd.DataFrame:
    return pd.DataFrame(
        {"clip": ["a", "b", "c", "d"], "frames": [9, 9, 9, 9], "j_and_f": [0.1, 0.2, 0.6, 0.7],
         "attributes": ["OCC FM", "FM", "", "OCC"]}
    )  # fmt: skip


def test_the_interval_is_that_of_the_mean() -> None:
    """Close to the normal approximation for many sequences, whose standard error is sd / sqrt(n)."""
    values = np.random.default_rng(0).normal(50, 10, 400)
    low, high = mean_interval(values)
    half = 1.96 * values.std() / 20
    assert low == pytest.approx(values.mean() - half, abs=0.15) and high == pytest.approx(
        values.mean() + half, abs=0.15
    )
    assert mean_interval(values[::-1]) == (low, high)


def test_the_interval_of_few() -> None:
    assert mean_interval(np.array([3.0, 3.0, np.nan])) == (3, 3)
    assert np.isnan(mean_interval(np.array([3.0, np.nan]))).all()
    # Two sequences: a quarter of the draws takes the lower one twice.
    assert mean_interval(np.array([0.0, 10.0])) == (0, 10)


def test_groups() -> None:
    groups = groups_of(clips())
    assert groups["all", "all"] == [0, 1, 2, 3]
    assert groups["attribute", "FM"] == [0, 1] and groups["attribute", "OCC"] == [0, 3]
    assert groups["sequence", "c"] == [2] and len(groups) == 7
    assert list(groups_of(clips().drop(columns="attributes"))) == [("all", "all"), *(("sequence", n) for n in "abcd")]


def test_means_of_groups() -> None:
    table = sequence_table([row("Ours"), row("Other")], [clips(), clips().assign(j_and_f=[0.0, 0.0, 0.0, np.nan])])
    ours: Any = table[table["method"] == "Ours"].set_index("name")["J&F"]
    assert ours["all"] == 40 and ours["FM"] == 15 and ours["OCC"] == 40 and ours["d"] == 70
    other: Any = table[table["method"] == "Other"].set_index("name")
    assert other.loc["all", "J&F"] == 0 and np.isnan(other.loc["d", "J&F"])
    assert "mIoU" not in table.columns
    text = " ".join(sequences_to_markdown(table, "Table").split())
    assert "| attribute | FM (2) | 15.0 [10.0, 20.0]" in text and "Ours, tiny" in text


def davis(folder: Path, info: str | None) -> Davis:
    (folder / "ImageSets" / "480p").mkdir(parents=True)
    (folder / "ImageSets" / "480p" / "val.txt").write_text("swan\ndog\n")
    if info is not None:
        (folder / "db_info.yml").write_text(info)
    return Davis(DavisOptions(root=folder, year=2016))


def test_attributes_of_davis(tmp_path: Path) -> None:
    info = "sequences:\n- {attributes: [], name: swan}\n- {attributes: [OCC, FM], name: dog}\n"
    assert davis(tmp_path / "a", info).attributes() == {"swan": (), "dog": ("OCC", "FM")}
    assert davis(tmp_path / "b", None).attributes() == {}
    for number, wrong in enumerate(("sequences: 3", "- a", "sequences: [{name: swan}]", "a: [")):
        with pytest.raises(InputError, match=r"db_info\.yml does not list `sequences`"):
            davis(tmp_path / str(number), wrong).attributes()


@pytest.mark.parametrize("name", ["0016E5", "007", "NA", "1.50", "inf"])
def test_names_of_clips_stay_what_they_are(name: str, tmp_path: Path) -> None:
    path = tmp_path / "row.csv"
    pd.DataFrame({"clip": [name, name + "0"], "frames": [3, 4], "miou": [0.5, None]}).to_csv(path, index=False)
    table = read_clips(path)
    assert table["clip"].tolist() == [name, name + "0"]
    assert table["frames"].tolist() == [3, 4] and np.isnan(table["miou"][1])
