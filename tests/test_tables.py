"""Tables: the paper's figures beside our own, in long form and in the paper's layout."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
from itertools import groupby
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from test_statistics import NAMES, semantic
from test_statistics import tables as statistics_of
from zeroshot_vss.metrics.classes import class_scores
from zeroshot_vss.tables.classes import class_table, classes_to_latex
from zeroshot_vss.tables.intervals import comparisons_to_latex, intervals_to_latex
from zeroshot_vss.tables.latex import tabular
from zeroshot_vss.tables.quality import TableRow, long_table, paper_layout, to_latex, to_markdown

PUBLISHED = pd.read_csv(
    io.StringIO("""\
method_key,backbone_key,dataset_key,method,backbone,supervision,dataset,protocol,mIoU,mVC8,mVC16
super,,vspw,Super,ViT-L,supervised,VSPW,paper,63.8,95.7,95.1
super,,city,Super,ViT-L,supervised,Cityscapes,paper,80.3,,
ours,sd21,vspw,Ours,SD 2.1,zero-shot,VSPW,paper,60.6,90.7,89.6
""")
)


def row(method: str, backbone: str, dataset: str, title: str) -> TableRow:
    backbone_title = {"sd21": "SD 2.1", "": ""}[backbone]
    return TableRow(
        method=title,
        backbone=backbone_title,
        supervision="zero-shot",
        dataset=dataset.upper(),
        key=(method, backbone, dataset),
    )


ROWS = [
    row("ours", "sd21", "vspw", "Ours"),
    row("ours", "sd21", "own", "Ours"),
    row("copy", "", "vspw", "Kept & on"),
]
SCORES: list[dict[str, Any]] = [
    {"protocol": "vspw", "clips": 4, "frames": 80, "miou": 0.61234, "mvc8": 0.9, "mvc16": 0.125, "strict_mvc8": 0.5,
     "boundary_f": 0.3, "pixel_accuracy": 0.75, "miou_clip_mean": 0.6, "miou_clip_std": 0.0251},
    {"protocol": "vspw", "clips": 1, "frames": 6, "miou": 0.5, "mvc8": None, "mvc16": None, "strict_mvc8": None,
     "boundary_f": 0.25, "pixel_accuracy": 0.5, "miou_clip_mean": 0.5, "miou_clip_std": None},
    {"protocol": "vspw", "clips": 4, "frames": 80, "miou": 0.4, "mvc8": 1.0, "mvc16": 1.0, "strict_mvc8": 0.2,
     "boundary_f": 0.1, "pixel_accuracy": 0.5, "miou_clip_mean": 0.4, "miou_clip_std": 0.1},
]  # fmt: skip


@pytest.fixture
def table() -> Any:
    return long_table(ROWS, SCORES, PUBLISHED)


def test_measured_rows_come_first_in_their_order(table: Any) -> None:
    assert list(table["source"]) == ["measured"] * 3 + ["published"] * 3
    assert list(table["method"]) == ["Ours", "Ours", "Kept & on", "Super", "Super", "Ours"]
    assert list(table["data set"]) == ["VSPW", "OWN", "VSPW", "VSPW", "Cityscapes", "VSPW"]


def test_figures_are_in_percent_and_undefined_ones_are_empty(table: Any) -> None:
    first, second = table.iloc[0], table.iloc[1]
    assert (first["mIoU"], first["mVC8"], first["mVC16"], first["boundary F"]) == (61.23, 90, 12.5, 30)
    assert (first["clips"], first["frames"], first["mIoU clip std"]) == (4, 80, 2.51)
    assert second[["mVC8", "mVC16", "correct mVC8"]].isna().all()
    lines = table.to_csv(index=False).splitlines()
    assert lines[2].startswith("Ours,SD 2.1,zero-shot,OWN,vspw,1,6,50.0,,,")
    assert lines[5].startswith("Super,ViT-L,supervised,Cityscapes,paper,,,80.3,,,")


def test_the_papers_figures_stand_beside_the_same_row_alone(table: Any) -> None:
    paper = table[table["source"] == "measured"][["paper mIoU", "paper mVC8", "paper mVC16"]]
    assert list(paper.iloc[0]) == [60.6, 90.7, 89.6]
    assert paper.iloc[1:].isna().all(axis=None)


def test_published_rows_of_an_unnamed_model_stand_beside_those_of_each() -> None:
    published = PUBLISHED.assign(backbone_key="")
    table: Any = long_table(ROWS, SCORES, published)
    assert table["paper mIoU"].tolist()[:1] == [60.6] and table["paper mIoU"].isna().tolist()[1:3] == [True, True]


def test_the_papers_layout_has_data_sets_across(table: Any) -> None:
    wide = paper_layout(table, "published", further=False)
    assert list(wide.columns) == [("VSPW", "mIoU"), ("VSPW", "mVC8"), ("VSPW", "mVC16"), ("Cityscapes", "mIoU")]
    assert [name for name, *_ in wide.index] == ["Super", "Ours"]
    assert list(wide.loc[("Super", "ViT-L", "supervised")]) == ["63.8", "95.7", "95.1", "80.3"]
    assert list(wide.loc[("Ours", "SD 2.1", "zero-shot")]) == ["60.6", "90.7", "89.6", ""]
    measured = paper_layout(table, "measured")
    assert list(measured[("VSPW", "mIoU over clips")]) == ["60.0 ± 2.5", "40.0 ± 10.0"]
    assert measured.loc[("Ours", "SD 2.1", "zero-shot"), ("OWN", "mIoU")] == "50.0"
    # The paper's figures stand beside the measured ones, where it has the row.
    assert list(measured["VSPW"].columns[:4]) == ["mIoU", "paper mIoU", "mVC8", "paper mVC8"]
    assert list(measured[("VSPW", "paper mIoU")]) == ["60.6", ""] and ("OWN", "paper mIoU") not in measured.columns
    assert measured.loc[("Kept & on", "", "zero-shot"), ("OWN", "mIoU")] == ""


def test_markdown(table: Any) -> None:
    text = to_markdown(table, "Table 1")
    measured, published = text.split("## Published")
    assert measured.startswith("# Table 1\n\n## Measured\n\n### VSPW\n") and "boundary F" in measured
    assert "| Kept & on |" in measured and "Super" not in measured
    assert "Protocols: VSPW: vspw; OWN: vspw." in measured
    assert "### Cityscapes" in published and "boundary" not in published
    row = next(line for line in published.splitlines() if line.startswith("| Super"))
    assert [cell.strip() for cell in row.strip("|").split("|")] == [
        "Super",
        "ViT-L",
        "supervised",
        "63.8",
        "95.7",
        "95.1",
    ]
    # No head says the data set again, and no row is there for another one's sake.
    heads = [line for line in text.splitlines() if line.startswith("| method")]
    assert len(heads) == 4 and not any("VSPW" in head or "OWN" in head for head in heads)
    assert "Kept" not in measured.split("### OWN")[1]
    assert "nan" not in text.lower()
    alone = to_markdown(long_table(ROWS, SCORES, PUBLISHED.iloc[:0]), "Table 1")
    assert "## Measured" in alone and "## Published" not in alone


def test_latex(table: Any) -> None:
    text = to_latex(table)
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == 2
    assert r"Kept \& on" in text and "nan" not in text.lower() and r"\usepackage{booktabs}" in text
    body = [line for line in text.splitlines() if line.startswith("Super")]
    assert [cell.strip(" \\") for cell in body[0].split("&")][-4:] == ["63.8", "95.7", "95.1", "80.3"]
    for part in text.split(r"\begin{tabular}")[1:]:
        rules = re.findall(r"\\(toprule|midrule|cmidrule|bottomrule)", part)
        assert [rule for rule, _ in groupby(rules)] == ["toprule", "cmidrule", "midrule", "bottomrule"]
        assert rules.count("midrule") == 1


def test_the_best_zero_shot_figures_are_bold(table: Any) -> None:
    measured = to_latex(table).split(r"\end{tabular}")[0]
    assert r"\textbf{61.2}" in measured and r"\textbf{100.0}" in measured  # of VSPW's two rows
    assert r"\textbf{50.0}" not in measured  # OWN has one row alone
    assert r"\textbf{60.6}" not in measured  # the paper's figure beside it
    assert r"\begin{tabular}{lllrrrrrr" in measured.replace("{llrr", "{lllrr")


def test_escaping_and_alignment() -> None:
    texts = pd.DataFrame(
        {"a_b": ["x & y", "50 %"], "n": ["1.5", "12.5"], "mixed": ["1", "none"], "s": ["1.0 ± 0.5", ""]}
    )
    text = tabular(texts)
    assert r"\begin{tabular}{lrlr}" in text and r"a\_b & \multicolumn{1}{r}{n} & mixed" in text
    assert r"x \& y & 1.5 & 1 & 1.0 $\pm$ 0.5 \\" in text and r"50 \% & 12.5 & none &  \\" in text


def test_latex_compiles(table: Any, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("there is no pdflatex here")
    odd = pd.DataFrame({"#_%": ["a^b~c\\d {e} $ <1>", "λ ± → ²", "[12.0, 13.0]", "*"], "n": ["1", "2.5", "3", "4"]})
    intervals, comparisons = statistics_of(20)
    names = ("a & b_c", "100 % {~}", "d#", "\\e^2")
    classes = class_table(NAMES[:1], ["vspw"], [class_scores(semantic(1, 3))], {"Scenes": names})
    parts = [to_latex(table), tabular(odd), intervals_to_latex(intervals, comparisons)]
    parts += [comparisons_to_latex(comparisons), classes_to_latex(classes)]
    body = "\n\n".join(parts)
    document = "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n" + body + "\\end{document}\n"
    (tmp_path / "t.tex").write_text(document)
    call = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"]
    done = subprocess.run(call, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_shipped_figures_are_the_papers() -> None:
    """Some cells of table 1, and that every line is whole."""
    published: Any = pd.read_csv(Path(__file__).parent.parent / "config" / "published" / "table1.csv").fillna(
        {"backbone_key": ""}
    )
    cells = published.set_index(["method_key", "backbone_key", "dataset_key"])
    assert cells.index.is_unique
    assert list(cells.loc[("ours", "sd21", "vspw"), ["mIoU", "mVC8", "mVC16"]]) == [60.6, 90.7, 89.6]
    assert list(cells.loc[("emerdiff", "sd21", "vspw"), ["mIoU", "mVC8", "mVC16"]]) == [43.4, 68.9, 64.3]
    assert list(cells.loc[("ours", "svd", "camvid-32"), ["mIoU", "mVC8", "mVC16"]]) == [16.6, 87.4, 85.8]
    assert cells.loc[("ours", "sd21", "cityscapes"), "mIoU"] == 37.3
    assert published[["method", "backbone", "supervision", "dataset", "mIoU"]].notna().all(axis=None)
    assert published[["mIoU", "mVC8", "mVC16"]].stack().dropna().between(0, 100).all()
