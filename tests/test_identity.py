"""What a result is: an extension recomputes nothing, and other clips leave a clip's result alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from in_process import make, stale
from test_config import shipped
from workflow_copy import ROOT, copy_workflow, environment, planned, write_config
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.workflow.plan import Plan

TABLE = "results/table1.csv"
KEYS = """
import json, sys
from pathlib import Path
from zeroshot_vss.config.read import load_config
from zeroshot_vss.config import read_config
from zeroshot_vss.workflow.plan import Plan
import yaml
values = {}
from snakemake.utils import update_config
for name in ("config", "methods", "sweeps"):
    update_config(values, yaml.safe_load(Path("config", f"{name}.yaml").read_text()))
plan = Plan(read_config(values), home=Path(sys.argv[1]))
for row in plan.rows:
    plan.tables.scores(row)
for table in plan.config.tables:
    plan.tables.table(table)
for sweep in plan.config.sweeps:
    plan.tables.sweep(sweep)
plan.target("results/figures/overview.png")
assert plan.figures.planned
print(json.dumps({path: job.key() for path, job in plan.stages.jobs.items()}))
"""
"""Keys of all jobs of the shipped configuration, by each file that they write."""

CLASSIFIER = """from sklearn.naive_bayes import GaussianNB


def make() -> GaussianNB:
    return GaussianNB()
"""
EXTENSIONS = {
    "datasets": ("class Mine:\n    pass\n", "Mine"),
    "classifiers": (CLASSIFIER, "make"),
    "upsamplers": ("from zeroshot_vss.upsamplers.nearest import Nearest as Mine\n", "Mine"),
    "metrics/protocols": ("from zeroshot_vss.metrics.protocols.segmentation import VSPW as MINE\n", "MINE"),
    "backbones": ("class Mine:\n    pass\n", "Mine"),
    "settings": (
        "from zeroshot_vss.settings.base import Settings\n\n\nclass Unused(Settings):\n    x: int = 1\n",
        "",
    ),
    "metrics": ("from zeroshot_vss.metrics.base import Metric\n\n\nclass Unused(Metric):\n    pass\n", ""),
}
"""Package to the text of a new module, and what its registry has of it; nothing is registered of the last two."""


def extend(library: Path) -> None:
    """Add a module of every kind to a library, and a line for each to its registry."""
    for package, (text, attribute) in EXTENSIONS.items():
        (library / package / "mine.py").write_text(text)
        if attribute:
            registry = library / package / "__init__.py"
            line = f'        "mine": "zeroshot_vss.{package.replace("/", ".")}.mine:{attribute}",\n'
            before = registry.read_text()
            after = re.sub(r'(Registry\(\n    "[^"]*",\n    \{\n)', r"\g<0>" + line, before)
            assert before != after, package
            registry.write_text(after)


def keys(folder: Path) -> dict[str, str]:
    done = subprocess.run(
        [sys.executable, "-c", KEYS, str(ROOT)], cwd=folder, env=environment(folder), capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_extension_changes_no_key(tmp_path: Path) -> None:
    folder = copy_workflow(tmp_path / "run")
    before = keys(folder)
    assert {path.split("/")[1] for path in before} >= {"checked", "features", "coarse", "maps", "scores", "sweeps"}
    extend(folder / "src" / "zeroshot_vss")
    assert keys(folder) == before
    # What is edited counts, or else the test shows nothing.
    path = folder / "src" / "zeroshot_vss" / "datasets" / "scenes.py"
    path.write_text(f"{path.read_text()}\nEDITED = True\n")
    assert keys(folder).keys() == before.keys() and keys(folder) != before


def configured(**options: Any) -> dict[str, Any]:
    """Four clips in two parts, and two methods without a model."""
    return {
        "compute": {"device": "cpu", "threads": 1, "clips_per_job": 2},
        "datasets": {"scenes": {"options": {"split": "validation", "count": 4, "frames": 2, **options}}},
        "tables": {"table1": {"methods": ["first-frame", "colour-grid"]}},
    }


def plan_with(**options: Any) -> Plan:
    """The plan with some options of the data set."""
    return Plan(read_config(merge(shipped(), configured(**options))))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A finished run, as the working directory."""
    folder = copy_workflow(tmp_path_factory.mktemp("identity") / "run")
    with pytest.MonkeyPatch.context() as at:
        at.chdir(folder)
        at.setenv("XDG_CACHE_HOME", str(folder.parent / "cache"))
        made()
        yield folder


def made(**options: Any) -> None:
    """Run with some options of the data set."""
    make(plan_with(**options), TABLE)


def jobs_with(**options: Any) -> dict[str, int]:
    """What would run with some options, by stage."""
    return stale(plan_with(**options), [TABLE])


def clip_results(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of every clip's result."""
    files = ((path, path.stat()) for path in sorted((folder / "results").rglob("*.h5")))
    return {str(path): (known.st_ino, known.st_size, known.st_mtime_ns) for path, known in files}


ONE_PART = {"check": 1, "baseline": 2, "score": 2, "table": 1}


def test_other_clips_leave_the_results_of_a_clip_alone(finished: Path) -> None:
    table, results = (finished / TABLE).read_bytes(), clip_results(finished)
    assert len(results) == 8
    # A clip less changes the job of its part, and the other part not at all.
    assert jobs_with(exclude=["scene-0001"]) == ONE_PART
    made(exclude=["scene-0001"])
    assert (finished / TABLE).read_bytes() != table and clip_results(finished) == results
    # The part then holds the same clip alone: its job is what it was.
    assert jobs_with(count=1) == {"score": 2, "table": 1}
    made(count=1)
    assert clip_results(finished) == results
    assert jobs_with() == ONE_PART
    made()
    assert (finished / TABLE).read_bytes() == table and clip_results(finished) == results
    assert jobs_with() == {}


def test_what_changes_a_clip_is_another_clip(finished: Path) -> None:
    assert jobs_with(frames=3) == {"check": 2, "baseline": 4, "score": 2, "table": 1}
    otherwise = merge(shipped(), merge(configured(), {"compute": {"threads": 2, "memory": 1.0}}))
    assert stale(Plan(read_config(otherwise)), [TABLE]) == {}, "how to compute changes no result"


def test_an_extension_leaves_a_finished_run_finished(finished: Path) -> None:
    write_config(finished, configured())
    assert planned(finished, TABLE) == {}
    extend(finished / "src" / "zeroshot_vss")
    assert planned(finished, TABLE) == {}
