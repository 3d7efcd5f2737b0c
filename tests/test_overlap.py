"""Reading ahead and writing behind: the same values in the same order, and nothing that goes wrong is lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import numpy as np
import pytest

from array_clip import ArrayClip
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.machine.prefetch import ReadAhead, WriteBehind


class SlowClip(ArrayClip):
    """Frames that hold their number; notes what was read, when and by whom."""

    def __init__(self, count: int, broken: int | None = None) -> None:
        super().__init__("slow", [np.full((2, 3), index, np.uint8) for index in range(count)])
        self.broken, self.read, self.threads = broken, list[list[int]](), set[str]()
        self.inside = 0

    def frames(self, indices: Sequence[int]) -> Frames:
        self.inside += 1
        assert self.inside == 1, "two readers at a time"
        self.threads.add(threading.current_thread().name)
        self.read.append(list(indices))
        time.sleep(0.02)
        self.inside -= 1
        if self.broken in indices:
            raise InputError(f"clip 'slow': frame {self.broken} is broken")
        return np.stack([np.full((2, 3, 3), index, np.uint8) for index in indices])


GROUPS = [[0, 1], [2, 3], [4]]


def test_the_next_group_is_read_while_one_is_used() -> None:
    clip = SlowClip(5)
    with ReadAhead(clip, GROUPS) as ahead:
        for number, group in enumerate(GROUPS):
            assert ahead.frames(group)[:, 0, 0, 0].tolist() == group
            if number + 1 < len(GROUPS):
                deadline = time.monotonic() + 5
                while GROUPS[number + 1] not in clip.read and time.monotonic() < deadline:
                    time.sleep(0.001)
                assert clip.read == GROUPS[: number + 2]
    assert clip.read == GROUPS and len(clip.threads) == 1


def test_other_frames_may_be_asked_for() -> None:
    clip = SlowClip(5)
    with ReadAhead(clip, GROUPS) as ahead:
        assert ahead.frames([4, 0])[:, 0, 0, 0].tolist() == [4, 0]
        assert ahead.frames([0, 1])[:, 0, 0, 0].tolist() == [0, 1]
        labels = ahead.labels(3)
        assert labels is not None and labels[0, 0] == 3 and len(ahead) == 5 and ahead.size == (2, 3)
    with ReadAhead(clip, []) as ahead:
        assert ahead.frames([2])[0, 0, 0, 0] == 2


def test_a_broken_frame_is_said_where_it_is_asked_for() -> None:
    with ReadAhead(SlowClip(5, broken=3), GROUPS) as ahead:
        ahead.frames([0, 1])
        with pytest.raises(InputError, match="frame 3 is broken"):
            ahead.frames([2, 3])


def test_calls_are_done_in_order_and_waited_for() -> None:
    done: list[int] = []

    def slowly(number: int) -> None:
        time.sleep(0.005)
        done.append(number)

    with WriteBehind(most=2) as write:
        for number in range(10):
            write(slowly, number)
            assert len(done) >= number - 3, "no more than a few may wait"
    assert done == list(range(10))


@pytest.mark.parametrize("last", [False, True])
def test_a_failed_write_is_raised(last: bool) -> None:
    def fail() -> None:
        raise OSError(28, "No space left on device")

    def many() -> None:
        with WriteBehind() as write:
            write(fail)
            for _ in range(0 if last else 10):
                write(time.sleep, 0.001)

    with pytest.raises(OSError, match="No space left"):
        many()


def test_an_error_of_the_block_is_the_one_that_is_raised() -> None:
    with pytest.raises(ValueError, match="the block"), WriteBehind() as write:
        write(time.sleep, 0.01)
        raise ValueError("the block")


def test_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Found on a GPU from what is free, with what the allocator holds unused; a number stands as it is."""
    import torch

    from zeroshot_vss.machine.runtime import budget

    cpu, cuda = torch.device("cpu"), torch.device("cuda", 0)
    assert budget(Compute(), cpu) == 0.25
    assert budget(Compute(memory=3), cuda) == 3
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (10 * 2**30, 80 * 2**30))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 6 * 2**30)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 4 * 2**30)
    assert budget(Compute(), cuda) == pytest.approx(0.7 * 12)
