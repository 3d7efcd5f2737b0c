"""Progress of long loops."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeroshot_vss.io.store import console

_T = TypeVar("_T")


def progress(items: Sequence[_T], size: Callable[[_T], int], title: str) -> Iterator[_T]:
    """The items behind a progress bar that counts their sizes."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        task = bar.add_task(title, total=sum(map(size, items)))
        for item in items:
            yield item
            bar.advance(task, size(item))
