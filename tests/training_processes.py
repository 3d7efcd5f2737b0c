"""Where trainings are run in tests."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from zeroshot_vss.training.processes import ALLOCATOR


@contextmanager
def training_processes() -> Iterator[None]:
    """The environment is put back afterwards; the processes meet at a free port, as several trainings may run."""
    with pytest.MonkeyPatch.context() as patch, socket.socket() as free:
        for name in ALLOCATOR:
            patch.setenv(name, "0")
        free.bind(("127.0.0.1", 0))
        patch.setenv("MASTER_PORT", str(free.getsockname()[1]))
        free.close()
        yield
