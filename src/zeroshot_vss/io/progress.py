"""Progress of long loops: a bar in a terminal, a line every few seconds in a log."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeroshot_vss.io.store import console

_T = TypeVar("_T")

EVERY_VARIABLE = "ZEROSHOT_VSS_PROGRESS_SECONDS"
"""Environment variable: seconds between two lines where there is no terminal."""
EVERY = 5.0
"""Where it is not set."""


class Done(NamedTuple):
    """How far a loop is."""

    title: str
    done: int
    total: int
    left: float | None
    """Seconds, as reckoned from those before; None at the start."""

    def line(self) -> str:
        """For logs; `read` understands it."""
        left = "" if self.left is None else f", {clock(self.left)} left"
        return f"{self.title}: {self.done} of {self.total}{left}"

    @classmethod
    def read(cls, line: str) -> Done | None:
        """From a line of a log; None where it is another one."""
        match = re.fullmatch(r"(.+): (\d+) of (\d+)(?:, (?:(\d+):)?(\d+):(\d\d) left)?", line.strip())
        if match is None:
            return None
        title, done, total, hours, minutes, seconds = match.groups()
        left = None if minutes is None else 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds)
        return cls(title, int(done), int(total), left)


def progress(items: Sequence[_T], size: Callable[[_T], int], title: str) -> Iterator[_T]:
    """The items behind progress that counts their sizes."""
    yield from _bar(items, size, title) if console.is_terminal else _lines(items, size, title)


def _bar(items: Sequence[_T], size: Callable[[_T], int], title: str) -> Iterator[_T]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(title, total=sum(map(size, items)))
        for item in items:
            yield item
            bar.advance(task, size(item))


def _lines(items: Sequence[_T], size: Callable[[_T], int], title: str) -> Iterator[_T]:
    every = float(os.environ.get(EVERY_VARIABLE, EVERY))
    total, done = sum(map(size, items)), 0
    began = said = time.monotonic()
    for item in items:
        yield item
        done += size(item)
        now = time.monotonic()
        if now - said >= every or done == total:
            left = (now - began) / done * (total - done) if done else None
            console.print(Done(title, done, total, left).line(), markup=False, highlight=False)
            said = now


def clock(seconds: float) -> str:
    """[h:]mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
