"""The workflow from elsewhere: as another's module, through workflow/Snakefile, in another working directory."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from test_config import shipped
from workflow_copy import copy_workflow, environment, snakemake, write_config
from zeroshot_vss.config import merge

ROOT = Path(__file__).parent.parent

DEPLOYED = """\
from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


module zeroshot_vss:
    snakefile:
        {source}
    config:
        config
{prefix}

use rule * from zeroshot_vss
"""
"""As snakedeploy writes it."""
CHECKOUT = f'"{ROOT}/workflow/Snakefile"'
HOSTED = 'github("owner/zeroshot-vss", path="workflow/Snakefile", tag="v1")'
TABLE = "results/table1.csv"


def deploy(folder: Path, source: str, values: dict[str, Any], prefix: str | None = None) -> Path:
    """What `snakedeploy deploy-workflow` makes in an empty folder, with the user's values."""
    (folder / "config").mkdir(parents=True)
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(values))
    (folder / "workflow").mkdir()
    line = "" if prefix is None else f'    prefix:\n        "{prefix}"'
    (folder / "workflow" / "Snakefile").write_text(DEPLOYED.format(source=source, prefix=line))
    return folder


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Numbers of jobs of each rule in a dry run in a folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["snakemake", "--dry-run", "--quiet", "rules", "--cores", "1", *arguments]
    run = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    matches = re.findall(r"^(\w+) +(\d+)$", run.stdout + run.stderr, re.MULTILINE)
    return {name.removeprefix("zeroshot_vss_"): int(count) for name, count in matches}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Jobs of the main table with the Snakefile at the top level, in a folder without results."""
    jobs = planned(tmp_path_factory.mktemp("own"), "--snakefile", str(ROOT / "Snakefile"), TABLE)
    assert jobs["upsample"] > 0 and jobs["total"] > 10
    return jobs


@pytest.mark.parametrize("prefix", [None, "segmentation"])
def test_a_deployed_module_plans_the_main_table(tmp_path: Path, own: dict[str, int], prefix: str | None) -> None:
    deploy(tmp_path / "use", CHECKOUT, {"seed": 1}, prefix)
    assert planned(tmp_path / "use", TABLE if prefix is None else f"{prefix}/{TABLE}") == own


def test_another_working_directory(tmp_path: Path, own: dict[str, int]) -> None:
    snakefile = str(ROOT / "workflow" / "Snakefile")
    assert planned(ROOT, "--directory", str(tmp_path), "--snakefile", snakefile, TABLE) == own


SMALL: dict[str, Any] = {
    "compute": {"device": "cpu", "threads": 1, "memory": 0.25},
    "datasets": {"scenes": {"options": {"split": "validation", "count": 1, "frames": 3}}},
    "tables": {"table1": {"methods": ["ours-nearest"]}},
}
"""Every kind of job that there is between frames and the table, with the embedded model."""


def host(clone: Path, cache: Path) -> None:
    """Put the rules of a clone where Snakemake keeps what it has fetched from a Git host."""
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@example.org")
    kept = cache / "snakemake/snakemake/source-cache/snakemake-git-cache/github.com/owner/zeroshot-vss"
    for call in (
        ["init", "--quiet"], ["add", "Snakefile", "rules", "workflow", "report", "envs"],
        ["commit", "--quiet", "--no-gpg-sign", "--message", "x"], ["tag", "v1"],
        ["clone", "--quiet", "--bare", ".", str(kept)],
    ):  # fmt: skip
        subprocess.run([*git, *call], cwd=clone, check=True, capture_output=True)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_a_module_of_a_git_host_writes_the_table_of_a_clone(tmp_path: Path) -> None:
    clone = copy_workflow(tmp_path / "clone")
    shutil.copytree(ROOT / "workflow", clone / "workflow")
    (clone / "models").symlink_to(ROOT / "models")
    write_config(clone, SMALL)
    done = snakemake(clone, TABLE)
    assert done.returncode == 0, done.stdout
    host(clone, tmp_path / "cache")

    use = deploy(tmp_path / "use", HOSTED, merge(shipped(), SMALL))
    call = [sys.executable, "-m", "snakemake", "--cores", "2", TABLE]
    used = subprocess.run(call, cwd=use, env=environment(clone), capture_output=True, text=True, check=False)
    assert used.returncode == 0, used.stdout + used.stderr
    for path in sorted((clone / "results").glob("table1*")):
        assert (use / path.relative_to(clone)).read_bytes() == path.read_bytes(), path.name
    assert {path.name for path in use.iterdir()} == {".snakemake", "config", "logs", "results", "workflow"}
