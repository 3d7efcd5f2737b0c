"""Settings of all tests, made before anything imports torch; long files begin first."""

from __future__ import annotations

import os

import pytest

# The tests run in two processes (pytest-xdist): one thread each, on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")

LONG = (
    "test_slurm", "test_workflow_run", "test_paper_config", "test_staleness", "test_console", "test_module",
    "test_notebook", "test_identity", "test_report", "test_segmenters", "test_killed", "test_adapt",
)  # fmt: skip
"""Files of minutes. One that begins last keeps one process at work while the other has nothing left to do."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first; all others keep their order."""
    places = {name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path.stem, len(LONG)))
