"""Settings of all tests, made before anything imports torch."""

from __future__ import annotations

import os

# The tests run in two processes (pytest-xdist): one thread each, on two cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
