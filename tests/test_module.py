"""The workflow from elsewhere: as another's module, through workflow/Snakefile, in another working directory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

DEPLOYED = """\
configfile: "config/config.yaml"

module zeroshot_vss:
    snakefile: "{root}/workflow/Snakefile"
    config: config
{prefix}

use rule * from zeroshot_vss
"""
"""As snakedeploy writes it, with a local checkout."""


def planned(folder: Path, *arguments: str) -> dict[str, int]:
    """Numbers of jobs of each rule in a dry run in a folder."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    command = ["snakemake", "--dry-run", "--quiet", "rules", "--cores", "1", *arguments]
    run = subprocess.run(
        command, cwd=folder, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    found = re.findall(r"^(\w+) +(\d+)$", run.stdout + run.stderr, re.MULTILINE)
    return {name.removeprefix("zeroshot_vss_"): int(count) for name, count in found}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Jobs of the main table with the Snakefile at the top level, in a folder without results."""
    jobs = planned(tmp_path_factory.mktemp("own"), "--snakefile", str(ROOT / "Snakefile"), "results/table1.csv")
    assert jobs["upsample"] > 0 and jobs["total"] > 10
    return jobs


@pytest.mark.parametrize("prefix", [None, "segmentation"])
def test_a_deployed_module_plans_the_main_table(tmp_path: Path, own: dict[str, int], prefix: str | None) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.yaml").write_text("seed: 1\n")
    (tmp_path / "workflow").mkdir()
    line = "" if prefix is None else f'    prefix: "{prefix}"'
    (tmp_path / "workflow" / "Snakefile").write_text(DEPLOYED.format(root=ROOT, prefix=line))
    target = "results/table1.csv" if prefix is None else f"{prefix}/results/table1.csv"
    assert planned(tmp_path, target) == own


def test_another_working_directory(tmp_path: Path, own: dict[str, int]) -> None:
    snakefile = str(ROOT / "workflow" / "Snakefile")
    assert planned(ROOT, "--directory", str(tmp_path), "--snakefile", snakefile, "results/table1.csv") == own
