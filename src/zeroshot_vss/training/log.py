"""The log of a training, a CSV that grows while it runs."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from zeroshot_vss.io.files import replacing


def append_row(path: Path, columns: Sequence[str], row: dict[str, float | int | str]) -> None:
    """Append a row to the training log; rows at or beyond its step, of an interrupted training, are dropped."""
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    kept = [r for r in rows if r["part"] != row["part"] or int(r["step"]) < int(row["step"])]
    with replacing(path) as part, part.open("w", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, row])  # pyright: ignore[reportArgumentType]
