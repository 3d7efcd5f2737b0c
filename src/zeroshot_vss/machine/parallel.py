"""Sharing the clips of a job among processes: on a CPU two processes of one thread beat one of two threads."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable, Sequence
from typing import TypeVarTuple

from zeroshot_vss.errors import InputError

_Ts = TypeVarTuple("_Ts")


def share(items: Sequence[tuple[*_Ts]], do: Callable[[*_Ts], None], workers: int) -> None:
    """Call `do(*item)` for all items, in `workers` forked processes that take every workers-th item each.

    With one worker or one item it happens in this process.

    Raises:
        InputError: a process failed; it has said why.
    """
    workers = min(workers, len(items))
    if workers <= 1:
        for item in items:
            do(*item)
        return

    def some(first: int) -> None:
        try:
            for item in items[first::workers]:
                do(*item)
        except InputError as error:
            sys.exit(f"error: {error}")

    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=some, args=(first,)) for first in range(workers)]
    try:
        for process in processes:
            process.start()
        for process in processes:
            process.join()
    except BaseException:  # this process is to end: it must not leave others behind that go on
        for process in processes:
            process.terminate()
            process.join()
        raise
    if failed := [process.exitcode for process in processes if process.exitcode]:
        raise InputError(f"{len(failed)} of {workers} processes failed (exit status {failed[0]}); see above")
