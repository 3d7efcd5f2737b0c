"""A table's rows attribute by attribute: what is drawn and written is what the CSV of sequences holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from test_config import shipped
from zeroshot_vss.config import read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.stages.attributes_table import draw, run
from zeroshot_vss.tables.attributes import AttributesJob, attribute_tables
from zeroshot_vss.tables.quality import TableRow
from zeroshot_vss.tables.sequences import sequence_table
from zeroshot_vss.workflow.plan import Plan

CLIPS = {"bear": "", "bus": "AC FM", "goat": "FM", "swan": "AC FM"}


def sequences() -> pd.DataFrame:
    """Two rows on a data set with attributes, and one on a data set without any."""
    rng = np.random.default_rng(1)

    def clips(attributes: bool) -> pd.DataFrame:
        table = pd.DataFrame({"clip": list(CLIPS), "frames": 5, "j_and_f": rng.random(4)})
        return table.assign(attributes=list(CLIPS.values())) if attributes else table

    rows = [
        TableRow.model_construct(method=method, backbone=backbone, dataset=dataset)
        for method, backbone, dataset in (
            ("Ours", "tiny", "DAVIS"),
            ("Copied", "", "DAVIS"),
            ("Ours", "tiny", "Plain"),
        )
    ]
    return sequence_table(rows, [clips(True), clips(True), clips(False)])


@pytest.fixture
def job(tmp_path: Path) -> AttributesJob:
    path = tmp_path / "table-sequences.csv"
    sequences().to_csv(path, index=False)
    return AttributesJob(title="Table", sequences=str(path), tex=str(tmp_path / "table-attributes.tex"))


def test_means_are_those_of_the_attributes_clips() -> None:
    table = sequences()
    ((dataset, _, lines),) = attribute_tables(table, "x")
    assert dataset == "DAVIS" and set(lines["row"]) == {"Ours, tiny", "Copied"}
    own = table[(table["method"] == "Ours") & (table["data set"] == "DAVIS") & (table["group"] == "sequence")]
    figure = own.set_index("name")["J&F"]
    shown = lines[lines["row"] == "Ours, tiny"].set_index("group")["value"]
    wanted = {"all (4)": figure.mean(), "AC (2)": figure[["bus", "swan"]].mean(),
              "FM (3)": figure[["bus", "goat", "swan"]].mean()}  # fmt: skip
    assert shown.to_dict() == {name: pytest.approx(value, abs=0.01) for name, value in wanted.items()}


def test_the_picture_holds_each_mean_and_interval() -> None:
    tables = attribute_tables(sequences(), "x")
    ((_, _, lines),) = tables
    (axis,) = draw(tables, "T").axes
    texts = [text.get_text() for text in axis.texts]
    # Rows down, groups across, as in the table.
    assert texts == [
        f"{v:.1f}\n[{low:.0f}, {high:.0f}]" for v, low, high in lines[["value", "low", "high"]].to_numpy()
    ]
    assert [label.get_text() for label in axis.get_yticklabels()] == ["Ours, tiny", "Copied"]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["all\n(4)", "AC\n(2)", "FM\n(3)"]


def test_the_stage_writes_what_it_names(job: AttributesJob) -> None:
    made = []
    for _ in range(2):
        run(job)
        made.append([Path(path).read_bytes() for path in job.outputs()])
    assert made[0] == made[1] and [data[:4] for data in made[0][1:]] == [b"\x89PNG", b"%PDF"]
    latex = Path(job.tex).read_text()
    assert latex.startswith("% DAVIS: ") and "AC (2)" in latex and "Copied" in latex and "Plain" not in latex


def test_data_sets_without_attributes_are_refused() -> None:
    plain = sequences().query("`data set` == 'Plain'")
    with pytest.raises(InputError, match=r"somewhere\.csv: no clip of its data sets has attributes"):
        attribute_tables(plain, "somewhere.csv")


def test_the_target() -> None:
    plan = Plan(read_config(shipped()))
    made = plan.target("results/table5-attributes.png").job
    assert isinstance(made, AttributesJob) and made.sequences == "results/table5-sequences.csv"
    assert set(made.outputs()) == {f"results/table5-attributes.{ending}" for ending in ("tex", "png", "pdf")}
    with pytest.raises(
        InputError, match="table 'table4' is of kind 'efficiency'; only tables of kind 'quality' have"
    ):
        plan.target("results/table4-attributes.png")
