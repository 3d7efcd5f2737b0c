"""What the device reaches in large square matrix products."""

from __future__ import annotations

import time

import torch

from benchmarks.gpu.clock import synchronise

RUNS_AT_ONCE = 10
"""Products between two looks at the clock, so that starting them costs nothing."""


def matmul_rate(device: torch.device, dtype: torch.dtype, size: int, repeats: int = 7) -> float:
    """TFLOP/s of products [size, size] x [size, size], median of some repeats."""
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(a)
    seconds: list[float] = []
    for _ in range(repeats + 1):
        synchronise(device)
        began = time.perf_counter()
        for _ in range(RUNS_AT_ONCE):
            torch.mm(a, b, out=out)
        synchronise(device)
        seconds.append((time.perf_counter() - began) / RUNS_AT_ONCE)
    measured = sorted(seconds[1:])  # the first run chooses the kernel
    return 2 * size**3 / measured[len(measured) // 2] / 1e12
