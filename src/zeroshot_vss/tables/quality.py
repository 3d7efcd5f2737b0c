"""Tables of scores: long form for programs, the paper's layout for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Literal

import pandas as pd

from zeroshot_vss.jobs.base import Job, Parts
from zeroshot_vss.metrics.protocols.base import get_protocol, titles_of
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.tables.latex import tabular
from zeroshot_vss.tables.outputs import layouts

FIGURES = {"miou": "mIoU", "mvc8": "mVC8", "mvc16": "mVC16", "j_and_f": "J&F", "j_mean": "J", "f_mean": "F"}
"""The paper's figures: key in the scores and column. A table shows those that its data sets' protocols have."""
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


SECONDS = "seconds a clip"


class TableRow(Settings):
    """One measured row, in words."""

    method: str
    backbone: str
    supervision: str
    dataset: str
    key: tuple[str, str, str]
    """Names of method, backbone and data set in the config, which published rows are matched by."""
    scores: str = ""
    """JSON of the pooled figures."""
    timed: Parts | None = None
    """Manifests of the stage whose seconds the table shows."""


class TableJob(Job):
    """What the job that prints a table is given."""

    stage: ClassVar[str] = "table"

    title: str
    across: Literal["datasets", "backbones"] = "datasets"
    """What the paper's layout has across: data sets (table 1), or backbones (table 2)."""
    seconds: str | None = None
    """Name of a stage whose seconds a clip are a further column."""
    rows: tuple[TableRow, ...]
    published: str | None = None
    """The paper's figures; None where they are lost."""
    csv: str

    def inputs(self) -> list[str]:
        timed = [path for row in self.rows if row.timed for path in row.timed.paths()]
        return [*(row.scores for row in self.rows), *timed, *([self.published] if self.published else [])]

    def outputs(self) -> list[str]:
        return [
            *layouts(self.csv), *layouts(self.intervals), *layouts(self.comparisons), *layouts(self.sequences)[:2]
        ]  # fmt: skip

    @property
    def sequences(self) -> str:
        """Figures of single sequences, as CSV; Markdown lies beside it."""
        return self.csv.removesuffix(".csv") + "-sequences.csv"

    @property
    def intervals(self) -> str:
        """Intervals and ranks of the figures, as CSV; Markdown and LaTeX lie beside it."""
        return self.csv.removesuffix(".csv") + "-intervals.csv"

    @property
    def comparisons(self) -> str:
        """Differences of each two rows, as CSV; Markdown and LaTeX lie beside it."""
        return self.csv.removesuffix(".csv") + "-comparisons.csv"


def long_table(
    rows: Sequence[TableRow],
    scores: Sequence[Mapping[str, Any]],
    published: pd.DataFrame | None,
    seconds: Sequence[float | None] | None = None,
) -> pd.DataFrame:
    """All rows in long form, in %.

    Args:
        rows: the measured rows.
        scores: pooled figures of each, 0..1 or None.
        published: columns method_key, backbone_key, dataset_key, method, backbone, supervision, dataset, protocol,
            and figures in %; empty where the paper gives none. None where the table's figures are lost.
        seconds: of each row, for a column of their own.

    Returns:
        Measured rows with the paper's figures of the same method, backbone and data set beside them (`paper ...`),
        then the published rows. `source` tells them apart.
    """
    keys = ["method_key", "backbone_key", "dataset_key"]
    if published is None:
        published = pd.DataFrame(columns=[*keys, "method", "backbone", "supervision", "dataset", "protocol"])
    by_key = published.fillna({"backbone_key": ""}).set_index(keys)
    given = [column for column in FIGURES.values() if column in published.columns]
    further = FURTHER | titles_of_all(score["protocol"] for score in scores)
    out: list[dict[str, Any]] = []
    times = seconds if seconds is not None else [None] * len(rows)
    for row, score, time in zip(rows, scores, times, strict=True):
        entry: dict[str, Any] = row.model_dump(exclude={"key"})
        entry |= {"protocol": score["protocol"], "clips": score["clips"], "frames": score["frames"]}
        entry |= {column: percent(score.get(key)) for key, column in (FIGURES | further).items()}
        method, _, dataset = row.key
        # The paper does not say of some rows which model they use; they stand beside those of each.
        if known := [key for key in (row.key, (method, "", dataset)) if key in by_key.index]:
            entry |= {f"paper {column}": by_key.loc[known[0], column] for column in given}
        out.append(entry | {SECONDS: None if time is None else round(time, 3), "source": "measured"})
    for _, line in published.iterrows():
        entry = {column: line[column] for column in ("method", "backbone", "supervision", "dataset", "protocol")}
        entry |= {column: line[column] for column in given}
        out.append(entry | {f"paper {column}": line[column] for column in given} | {"source": "published"})
    shown = [c for key, c in FIGURES.items() if c in given or any(key in score for score in scores)]
    more = [c for key, c in further.items() if any(key in score for score in scores)]
    columns = ["method", "backbone", "supervision", "dataset", "protocol", "clips", "frames", *shown,
               *(f"paper {column}" for column in shown), *more, *([SECONDS] if seconds is not None else []),
               "source"]  # fmt: skip
    frame = pd.DataFrame(out).reindex(columns=columns)
    return frame.rename(columns={"dataset": "data set"}).astype({"clips": "Int64", "frames": "Int64"})


def titles_of_all(protocols: Iterable[str]) -> dict[str, str]:
    """See `titles_of`, of several protocols by name."""
    return {
        key: title
        for protocol in dict.fromkeys(protocols)
        for key, title in titles_of(get_protocol(protocol)).items()
    }


def percent(value: float | None) -> float | None:
    """A share as a percentage with two decimals."""
    return None if value is None else round(100 * value, 2)


def paper_layout(table: pd.DataFrame, source: str, across: str = "datasets", further: bool = True) -> pd.DataFrame:
    """The rows of one source as the paper prints them: methods down, data sets (or backbones) and figures across.

    The paper's figures of measured rows stand beside them, where there are any. `further` adds boundary F, the
    consistency that is also correct, seconds, and the spread of mIoU over clips.
    """
    some: Any = table[table["source"] == source].copy()
    columns = [c for c in FIGURES.values() if c in some]
    if source == "measured":
        paper = [f"paper {c}" for c in columns]
        columns = [
            c for pair in zip(columns, paper, strict=True) for c in pair if c in columns or some[c].notna().any()
        ]
    if further:
        columns += [c for c in ("correct mVC8", "boundary F", SECONDS) if c in some and some[c].notna().any()]
    shown = some[columns].map(lambda value: "" if pd.isna(value) else f"{value:.1f}")
    if further and "mIoU clip std" in some:
        shown["mIoU over clips"] = [
            "" if pd.isna(s) else f"{m:.1f} ± {s:.1f}"
            for m, s in zip(some["mIoU clip mean"], some["mIoU clip std"], strict=True)
        ]
    over, beside = ("data set", "backbone") if across == "datasets" else ("backbone", "data set")
    names = ["method", beside, "supervision"]
    shown = pd.concat([some[[*names, over]].fillna(""), shown], axis=1)
    wide = shown.pivot_table(index=names, columns=over, aggfunc="first", sort=False, fill_value="")
    wide = wide.swaplevel(axis=1)
    order = [(d, c) for d in shown[over].unique() for c in shown.columns if c not in (*names, over)]
    wide = wide.reindex(columns=pd.MultiIndex.from_tuples(order, names=["", ""]))
    return wide.loc[:, (wide != "").any()]


def to_markdown(table: pd.DataFrame, title: str, across: str = "datasets") -> str:
    """Measured and published rows as Markdown tables, one for each data set (or backbone)."""
    parts = [f"# {title}\n"]
    for source, heading in (("measured", "Measured"), ("published", "Published (in %, as the paper prints them)")):
        if source in set(table["source"]):
            wide = paper_layout(table, source, across)
            parts.append(f"## {heading}\n")
            for over in dict.fromkeys(wide.columns.get_level_values(0)):
                some: Any = wide[over]
                some = some[(some != "").any(axis=1)].reset_index()
                some = some.loc[:, (some != "").any()]
                parts.append(f"### {over}\n\n{some.to_markdown(index=False, disable_numparse=True)}\n")
            if source == "measured":
                parts.append(f"Protocols: {protocols(table)}.\n")
    return "\n".join(parts)


def protocols(table: pd.DataFrame) -> str:
    """Each data set's protocol, by which its measured rows were scored (docs/metrics.md)."""
    measured: Any = table[table["source"] == "measured"]
    pairs = measured[["data set", "protocol"]].drop_duplicates().itertuples(index=False)
    return "; ".join(f"{dataset}: {protocol}" for dataset, protocol in pairs)


def to_latex(table: pd.DataFrame, across: str = "datasets") -> str:
    """Measured and published rows as two LaTeX tabulars; the best zero-shot figures are bold."""
    parts = []
    for source in ("measured", "published"):
        if source not in set(table["source"]):
            continue
        wide = paper_layout(table, source, across, further=False)
        # Of an empty column not even the head is shown.
        index = wide.index.to_frame(index=False).loc[:, lambda names: (names != "").any()]
        body = wide.reset_index(drop=True)
        index.columns = pd.MultiIndex.from_tuples([("", name) for name in index.columns])
        best = [len(index.columns) + place for place, (_, name) in enumerate(wide.columns) if "paper" not in name]
        among = [supervision == "zero-shot" for supervision in wide.index.get_level_values("supervision")]
        note = f"{source}; protocols: {protocols(table)}" if source == "measured" else source
        parts.append(tabular(pd.concat([index, body], axis=1), best, among, note))
    return "\n".join(parts)
