"""Tables of scores: long form for programs, the paper's layout for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from zeroshot_vss.settings import Settings

FIGURES = {"miou": "mIoU", "mvc8": "mVC8", "mvc16": "mVC16"}
"""The paper's figures: key in the scores and column."""
FURTHER = {
    "strict_mvc8": "correct mVC8",
    "boundary_f": "boundary F",
    "pixel_accuracy": "pixel accuracy",
    "miou_clip_mean": "mIoU clip mean",
    "miou_clip_std": "mIoU clip std",
    "mvc8_clip_mean": "mVC8 clip mean",
    "mvc8_clip_std": "mVC8 clip std",
}
"""Figures beside the paper's: consistency that is also correct, sharpness, spread over clips."""


class TableRow(Settings):
    """One measured row, in words."""

    method: str
    backbone: str
    supervision: str
    dataset: str
    key: tuple[str, str, str]
    """Names of method, backbone and data set in the config, which published rows are matched by."""


class TableJob(Settings):
    """What the job that prints a table is told."""

    rows: tuple[TableRow, ...]


def long_table(
    rows: Sequence[TableRow], scores: Sequence[Mapping[str, Any]], published: pd.DataFrame
) -> pd.DataFrame:
    """All rows in long form, in %.

    Args:
        rows: the measured rows.
        scores: pooled figures of each, 0..1 or None.
        published: columns method_key, backbone_key, dataset_key, method, backbone, supervision, dataset, protocol,
            mIoU, mVC8, mVC16 in %; empty where the paper gives none.

    Returns:
        Measured rows with the paper's figures of the same method, backbone and data set beside them (`paper ...`),
        then the published rows. `source` tells them apart.
    """
    keys = ["method_key", "backbone_key", "dataset_key"]
    by_key = published.fillna({"backbone_key": ""}).set_index(keys)
    out: list[dict[str, Any]] = []
    for row, score in zip(rows, scores, strict=True):
        entry: dict[str, Any] = row.model_dump(exclude={"key"})
        entry |= {"protocol": score["protocol"], "clips": score["clips"], "frames": score["frames"]}
        entry |= {column: _percent(score.get(key)) for key, column in (FIGURES | FURTHER).items()}
        if row.key in by_key.index:
            entry |= {f"paper {column}": by_key.loc[row.key, column] for column in FIGURES.values()}
        out.append(entry | {"source": "measured"})
    for _, line in published.iterrows():
        entry = {column: line[column] for column in ("method", "backbone", "supervision", "dataset", "protocol")}
        entry |= {column: line[column] for column in FIGURES.values()}
        out.append(entry | {f"paper {column}": line[column] for column in FIGURES.values()} | {"source": "published"})
    columns = ["method", "backbone", "supervision", "dataset", "protocol", "clips", "frames", *FIGURES.values(),
               *(f"paper {column}" for column in FIGURES.values()), *FURTHER.values(), "source"]  # fmt: skip
    frame = pd.DataFrame(out).reindex(columns=columns)
    return frame.rename(columns={"dataset": "data set"}).astype({"clips": "Int64", "frames": "Int64"})


def _percent(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 2)


def paper_layout(table: pd.DataFrame, source: str, further: bool = True) -> pd.DataFrame:
    """The rows of one source as the paper prints them: methods down, data sets and figures across.

    `further` adds boundary F, the consistency that is also correct, and the spread of mIoU over clips.
    """
    some: Any = table[table["source"] == source].copy()
    columns = list(FIGURES.values()) + ([c for c in FURTHER.values() if some[c].notna().any()][:2] if further else [])
    spread = some["mIoU clip std"]
    shown = some[columns].map(lambda value: "" if pd.isna(value) else f"{value:.1f}")
    if further:
        shown["mIoU over clips"] = [
            "" if pd.isna(s) else f"{m:.1f} ± {s:.1f}" for m, s in zip(some["mIoU clip mean"], spread, strict=True)
        ]
    names = ["method", "backbone", "supervision"]
    shown = pd.concat([some[[*names, "data set"]].fillna(""), shown], axis=1)
    wide = shown.pivot_table(index=names, columns="data set", aggfunc="first", sort=False, fill_value="")
    wide = wide.swaplevel(axis=1)
    order = [(d, c) for d in some["data set"].unique() for c in shown.columns if c not in (*names, "data set")]
    wide = wide.reindex(columns=pd.MultiIndex.from_tuples(order, names=["", ""]))
    return wide.loc[:, (wide != "").any()]


def to_markdown(table: pd.DataFrame, title: str) -> str:
    """Measured and published rows as two Markdown tables."""
    parts = [f"# {title}\n"]
    for source, words in (("measured", "Measured"), ("published", "Published (in %, as the paper prints them)")):
        if source in set(table["source"]):
            wide = paper_layout(table, source).reset_index()
            wide.columns = [" ".join(part for part in column if part) for column in wide.columns]
            parts.append(f"## {words}\n\n{wide.to_markdown(index=False, disable_numparse=True)}\n")
    return "\n".join(parts)


def to_latex(table: pd.DataFrame) -> str:
    """Measured and published rows as two LaTeX tabulars."""
    parts = [
        f"% {source}\n" + paper_layout(table, source, further=False).to_latex(multicolumn_format="c", escape=True)
        for source in ("measured", "published")
        if source in set(table["source"])
    ]
    return "\n".join(parts)
