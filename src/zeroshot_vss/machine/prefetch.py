"""Reading and writing beside the computation, so that a GPU does not wait for the disk."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from zeroshot_vss.datasets.base import Clip, Frames, LabelMap


class ReadAhead(Clip):
    """A clip whose frames are read one group before they are asked for.

    Args:
        clip: the clip.
        groups: the groups of frames in the order in which they will be asked for. Others may be asked for, too.
    """

    def __init__(self, clip: Clip, groups: Sequence[Sequence[int]]) -> None:
        self._clip, self._groups = clip, deque(list(group) for group in groups)
        self.name, self.size, self.reference = clip.name, clip.size, clip.reference
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._next: tuple[list[int], Future[Frames]] | None = None
        self._start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.shutdown(cancel_futures=True)

    def _start(self) -> None:
        group = self._groups.popleft() if self._groups else None
        self._next = None if group is None else (group, self._reader.submit(self._clip.frames, group))

    def frames(self, indices: Sequence[int]) -> Frames:
        if self._next is None or self._next[0] != list(indices):
            # Clips keep what they read last: one reader at a time.
            return self._reader.submit(self._clip.frames, indices).result()
        loaded = self._next[1].result()
        self._start()
        return loaded

    def __len__(self) -> int:
        return len(self._clip)

    def labels(self, index: int) -> LabelMap | None:
        return self._reader.submit(self._clip.labels, index).result()

    def mapped(self) -> Sequence[int]:
        return self._clip.mapped()

    def frame_name(self, index: int) -> str:
        return self._clip.frame_name(index)

    def annotated(self) -> int | None:
        return self._clip.annotated()


class WriteBehind:
    """Does calls one after another in a thread of its own; leaving the block waits for them.

    Args:
        most: calls that may wait; the caller waits when there are more, so that memory stays bounded.
    """

    def __init__(self, most: int = 2) -> None:
        self._most, self._waiting = most, deque[Future[Any]]()
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="write-behind")

    def __call__(self, write: Callable[..., Any], *values: Any) -> None:
        """Have `write(*values)` done. An exception of an earlier call is raised here, or at the end of the block."""
        while len(self._waiting) > self._most or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()
        self._waiting.append(self._writer.submit(write, *values))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.shutdown(cancel_futures=error is not None)
        if error is None:
            for call in self._waiting:
                call.result()
