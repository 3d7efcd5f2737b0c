"""The scene context model at real size: this project's K-Means and classifier beside plain scikit-learn.

    python -m benchmarks.context_model [--grid 28 52] [--frames 14] [--queries N] [--repeats N] [--device D]

For each step: seconds of both (median of the repeats, taken in turn in one process), how many times faster, how many
labels differ, and how many queries needed double precision.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.ndimage import gaussian_filter
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier

from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.machine.runtime import prepare
from zeroshot_vss.method.context import cluster, normalise_tokens
from zeroshot_vss.method.neighbours import Neighbours

CLUSTERS, SEED, NEIGHBOURS = 20, 1, 4


class Result(NamedTuple):
    """One step, both ways."""

    step: str
    ours: float
    plain: float
    differ: int
    """Labels that are not the same."""
    in_double: int
    """Queries that were decided in double precision."""


def smooth_tokens(frames: int, grid: tuple[int, int], channels: int, seed: int = 0) -> NDArray[np.float32]:
    """Normalised tokens [frames, h, w, channels] that vary smoothly in space and time, with noise.

    Made as the feature cache holds them: in half precision.
    """
    rng = np.random.default_rng(seed)
    causes = gaussian_filter(
        rng.standard_normal((frames, *grid, 24), dtype=np.float32), (6, *(s / 10 for s in grid), 0)
    )
    mixed = causes / causes.std() @ rng.standard_normal((24, channels), dtype=np.float32) / np.sqrt(24)
    noisy = mixed + 0.3 * rng.standard_normal(mixed.shape, dtype=np.float32)
    return normalise_tokens(noisy.astype(np.float16).astype(np.float32))


def in_turn(
    repeats: int, ours: Callable[[], NDArray[Any]], plain: Callable[[], NDArray[Any]]
) -> tuple[float, float, int]:
    """Median seconds of both, and how many of their labels differ."""
    seconds: tuple[list[float], list[float]] = [], []
    labels: list[NDArray[Any]] = [np.empty(0), np.empty(0)]
    for _ in range(repeats):
        for which, run in enumerate((ours, plain)):
            began = time.perf_counter()
            labels[which] = run()
            seconds[which].append(time.perf_counter() - began)
    medians = [float(np.median(some)) for some in seconds]
    return medians[0], medians[1], int((labels[0] != labels[1]).sum())


def k_means(tokens: NDArray[np.float32], repeats: int) -> tuple[Result, NDArray[Any]]:
    """K-Means on the tokens [n, channels] of a frame, and its labels."""

    def ours() -> NDArray[Any]:
        return np.asarray(cluster(tokens, CLUSTERS, SEED).labels_)

    def plain() -> NDArray[Any]:
        return np.asarray(KMeans(CLUSTERS, n_init=10, random_state=SEED).fit(tokens).labels_)  # pyright: ignore[reportArgumentType]

    return Result(f"K-Means, {len(tokens)} tokens", *in_turn(repeats, ours, plain), 0), ours()


def neighbours(
    fitted: NDArray[np.float32],
    labels: NDArray[Any],
    queries: NDArray[np.float32],
    repeats: int,
    device: torch.device | str = "cpu",
) -> Result:
    """The classifier fitted on tokens and asked about others."""
    search, classifier = Neighbours(NEIGHBOURS, device), LabelClassifier("knn", {}, SEED, device)

    def ours() -> NDArray[Any]:
        return classifier.fit(fitted, labels).predict(queries)

    def plain() -> NDArray[Any]:
        return KNeighborsClassifier(NEIGHBOURS).fit(fitted, labels).predict(queries)

    search.fit(fitted, labels).predict(queries)  # counts, and loads the device's libraries outside the clock
    step = f"KNN, {len(fitted)} fitted, {len(queries)} asked"
    seconds = in_turn(repeats, ours, plain)
    return Result(step, *seconds, search.in_double + search.in_full)


def compare(
    frames: int, grid: tuple[int, int], channels: int, queries: int, repeats: int, device: torch.device | str
) -> list[Result]:
    """K-Means on the first frame, then the classifier's first two batches; of each the first `queries` are asked."""
    tokens = smooth_tokens(2 * frames, grid, channels)
    first, second = (part.reshape(-1, channels) for part in np.split(tokens, 2))
    start, labels = k_means(first[: grid[0] * grid[1]], repeats)
    begin = neighbours(first[: len(labels)], labels, first[:queries], repeats, device)
    # The second batch's training set: every token of the first with its label.
    taught = LabelClassifier("knn", {}, SEED, device).fit(first[: len(labels)], labels).predict(first)
    later = neighbours(first, taught, second[:queries], repeats, device)
    return [start, begin, later]


def show(results: list[Result], device: torch.device | str) -> None:
    """Print the table."""
    table = Table(title=f"This project (neighbours on {device}) and scikit-learn (CPU)")
    for title in ("step", "seconds", "scikit-learn", "times faster", "labels that differ", "in double precision"):
        table.add_column(title, justify="left" if title == "step" else "right")
    for result in results:
        times = [f"{result.ours:.3g}", f"{result.plain:.3g}", f"{result.plain / result.ours:.2f}"]
        table.add_row(result.step, *times, str(result.differ), str(result.in_double))
    Console().print(table)


def main() -> None:
    """Compare at the sizes asked for and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--grid", type=int, nargs=2, default=(28, 52), metavar=("ROWS", "COLUMNS"))
    parser.add_argument("--frames", type=int, default=14, help="in a batch")
    parser.add_argument("--channels", type=int, default=640)
    parser.add_argument("--queries", type=int, help="ask about the first so many tokens of a batch only")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    device = prepare(Compute(device=args.device, threads=args.threads))
    rows, columns = args.grid
    queries = args.queries or args.frames * rows * columns
    show(compare(args.frames, (rows, columns), args.channels, queries, args.repeats, device), device)


if __name__ == "__main__":
    main()
