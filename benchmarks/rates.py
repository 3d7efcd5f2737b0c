"""The figures by which `zeroshot-vss check` forecasts where nothing has run yet.

    python -m benchmarks.rates      from a checkout; some minutes; writes src/zeroshot_vss/preflight/rates.csv

One generated clip of 14 frames goes through every kind of stage with the embedded models. What counts is the time
that CPUs work, halved, as jobs share their clips among two processes: so other work on the machine hardly matters.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pandas as pd
import torch

from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.config.read import load_config
from zeroshot_vss.preflight.needs import RATES_FILE, kind_of
from zeroshot_vss.workflow.home import find_home
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import Row, make_row
from zeroshot_vss.workflow.run import run

FRAMES, PROCESSES = 14, 2
METHODS = ("ours", "ours-nearest", "ours-bilinear", "ours-joint-bilateral", "ours-guided", "label-propagation")
MODELS = {
    "scenes-tiny": METHODS,
    "scenes-tiny-video": METHODS,
    "scenes-tiny-dit": ("ours-bilinear", "label-propagation"),
}
BASELINES = ("first-frame", "colour-grid")
CHANGES = {
    "compute": {"device": "cpu", "threads": 1, "memory": 0.5},
    "datasets": {"scenes": {"options": {"split": "validation", "count": 1, "frames": FRAMES}}},
}


def worked() -> float:
    """Seconds that this process and its ended children have worked."""
    return sum(os.times()[:4])


def measure(plan: Plan, rows: list[Row]) -> dict[tuple[str, str], list[float]]:
    """Worker and kind of stage to the seconds of each of its jobs."""
    seconds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        for stage, parts in plan.stages.of_row(row).items():
            for path in parts.paths():
                job = plan.target(path).job
                for needed in job.inputs():
                    if not Path(needed).exists():
                        run(plan.target(needed).job.model_copy(update={"compute": plan.config.compute}))
                if Path(path).exists():
                    continue
                began = worked()
                run(job.model_copy(update={"compute": plan.config.compute}))
                made, worker = Path(path), Path(path).parts[3]
                kind = kind_of("maps" if stage == "baseline" else stage, made.parent)
                seconds[worker.partition("~")[0], kind].append(worked() - began)
                print(f"{worker[:40]} {kind}: {worked() - began:.2f} s", file=sys.stderr)
    return dict(seconds)


def main() -> None:
    """Measure and write the table."""
    home = find_home()
    plan_config = read_config(merge(load_config(home=home), CHANGES))
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        plan = Plan(plan_config, home=home)
        for name in MODELS:  # what is loaded once a job is no time of a frame
            load_model(find_model(plan.stages.model(name)["backbone"]), torch.device("cpu"))
        rows = [
            make_row(plan.config, "scenes", method, name) for name, methods in MODELS.items() for method in methods
        ]
        rows += [make_row(plan.config, "scenes", method, "") for method in BASELINES]
        seconds = measure(plan, rows)
        height, width = plan.stages.opened("scenes").clip(plan.stages.clips("scenes")[0]).size
    table = pd.DataFrame(
        [
            {"worker": worker, "stage": kind, "height": height, "width": width,
             "seconds": f"{sum(jobs) / len(jobs) / FRAMES / PROCESSES:.2g}"}
            for (worker, kind), jobs in seconds.items()
        ]
    )  # fmt: skip
    table.to_csv(RATES_FILE, index=False)


if __name__ == "__main__":
    main()
