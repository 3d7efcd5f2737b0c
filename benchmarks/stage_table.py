"""Time and memory of every stage of the last run, from the workflow's own benchmark files, as Markdown.

python benchmarks/stage_table.py [results/benchmarks]
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd


def main() -> None:
    """Print one row a stage: jobs, seconds, CPU seconds, largest memory."""
    root = Path(sys.argv[1] if len(sys.argv) > 1 else "results/benchmarks")
    files = sorted(root.rglob("*.tsv"))
    if not files:
        sys.exit(f"error: no benchmark files in {root}; run the workflow first")
    runs = pd.concat([pd.read_csv(f, sep="\t").assign(stage=f.relative_to(root).parts[0]) for f in files])
    table = runs.groupby("stage").agg(
        jobs=("s", "size"), seconds=("s", "sum"), cpu_seconds=("cpu_time", "sum"), memory_MiB=("max_rss", "max")
    )
    table.loc["all"] = [table["jobs"].sum(), *table[["seconds", "cpu_seconds"]].sum(), table["memory_MiB"].max()]
    print(table.round(0).astype(int).to_markdown())


if __name__ == "__main__":
    main()
