"""What computing a clip cost: kept beside its result, so that interrupted runs lose no figure.

Costs are no results: nothing is recomputed when they are missing, and no manifest knows of them.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.machine.compute import GIB
from zeroshot_vss.settings.base import Settings


class Cost(Settings):
    """Of one clip in one stage."""

    seconds: float = Field(ge=0, allow_inf_nan=False)
    """Wall time, divided by the number of clips that were computed side by side."""
    host_gib: float = Field(ge=0, allow_inf_nan=False)
    """Largest resident memory of the process so far."""
    gpu_gib: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    """Largest memory that tensors took on the GPU."""


def cost_path(result: Path) -> Path:
    """Where the cost of a clip's result is kept."""
    return result.with_suffix(".cost.json")


@contextmanager
def measured(result: Path, side_by_side: int) -> Iterator[None]:
    """Measure the block that makes `result`. Nothing is written if it fails."""
    cuda = _cuda()
    if cuda is not None:
        cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    yield
    cuda = cuda or _cuda()
    cost = Cost(
        seconds=(time.perf_counter() - began) / side_by_side,
        host_gib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB,
        gpu_gib=None if cuda is None else cuda.max_memory_allocated() / GIB,
    )
    with replacing(cost_path(result)) as partial:
        partial.write_text(cost.model_dump_json() + "\n")


def _cuda() -> Any:
    """torch.cuda where a stage has used it; stages without torch need not import it for this."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_initialized() else None


def costs_of(results: Iterable[Path]) -> list[Cost]:
    """Costs of those results whose costs are known."""
    paths = (cost_path(result) for result in results)
    return [read_cost(path) for path in paths if path.is_file()]


def read_cost(path: Path) -> Cost:
    """A cost that was kept.

    Raises:
        InputError: the file is damaged.
    """
    try:
        return Cost.model_validate_json(path.read_bytes())
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"{path} holds no cost ({reason}); delete it: the clip's time is then unknown, nothing else is lost"
        ) from error


def seconds_of(results: Iterable[Path]) -> float | None:
    """Mean seconds a result; None where no cost is known."""
    costs = costs_of(results)
    return sum(cost.seconds for cost in costs) / len(costs) if costs else None
