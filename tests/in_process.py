"""Jobs of a plan in this process, for tests of what they make: each of Snakemake's starts Python and torch anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.run import run


def make(plan: Plan, *paths: str) -> Path:
    """Do the jobs behind some files that are not what they should be; returns the last file."""
    for path, is_stale in _ahead(plan, paths).values():
        if is_stale:
            run(plan.target(path).job.model_copy(update={"compute": plan.config.compute}))
    return Path(paths[-1])


def stale(plan: Plan, paths: Iterable[str]) -> dict[str, int]:
    """Jobs by stage whose results are not what they would make, or that read results of such; of some targets."""
    again = _ahead(plan, paths)
    return dict(Counter(plan.target(path).job.stage for path, is_stale in again.values() if is_stale))


def _ahead(plan: Plan, paths: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """Each job behind some files by its first output, those that it needs first: a file of it, and if it is stale."""
    known: dict[str, tuple[str, bool]] = {}

    def is_stale(path: str) -> bool:
        target = plan.target(path)
        outputs = target.job.outputs()
        if outputs[0] not in known:
            ahead = [is_stale(one) for one in target.inputs if one.startswith("results/")]
            missing = not all(Path(one).exists() for one in outputs)
            known[outputs[0]] = path, any(ahead) or missing or target.changed() is not None
        return known[outputs[0]][1]

    for path in paths:
        is_stale(path)
    return known
