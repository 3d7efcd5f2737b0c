"""Progress of long loops."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeroshot_vss.store import console

_T = TypeVar("_T")


def chunks(items: Sequence[_T], size: int, title: str) -> Iterator[tuple[int, Sequence[_T]]]:
    """Consecutive pieces of at most `size` items, each with the index of its first, behind a progress bar."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=not console.is_terminal) as progress:
        task = progress.add_task(title, total=len(items))
        for first in range(0, len(items), size):
            some = items[first : first + size]
            yield first, some
            progress.advance(task, len(some))
