"""What an installation consists of: the package's own list, the lock, and the conda environment agree."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from workflow_copy import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK = {
    canonicalize_name(name): version
    for name, version in (line.split("==") for line in (ROOT / "requirements.lock").read_text().split())
}
WANTED = [*PROJECT["dependencies"], *(line for extra in PROJECT["optional-dependencies"].values() for line in extra)]
ENVIRONMENT = ROOT / "envs" / "zeroshot_vss.yaml"
SCRIPT = ENVIRONMENT.with_suffix(".post-deploy.sh")


@pytest.mark.parametrize("line", WANTED)
def test_every_library_is_locked_within_its_range(line: str) -> None:
    requirement = Requirement(line)
    locked = LOCK.get(canonicalize_name(requirement.name))
    assert locked is not None, f"requirements.lock lacks {requirement.name}"
    assert requirement.specifier.contains(locked), f"requirements.lock has {requirement.name} {locked}"


def test_conda_gives_python_and_the_lock_the_rest() -> None:
    names = {}
    for line in yaml.safe_load(ENVIRONMENT.read_text())["dependencies"]:
        name, _, version = line.partition(" ")
        names[name] = version.lstrip("=")
    assert set(names) == {"python", "pip"}, "libraries belong into pyproject.toml and requirements.lock"
    assert SpecifierSet(PROJECT["requires-python"]).contains(f"{names['python']}.0")


def test_every_rule_with_a_job_has_that_environment() -> None:
    for path in (ROOT / "rules").glob("*.smk"):
        text = path.read_text()
        environments = re.findall(r'conda:\s+"(.+)"', text)
        assert len(environments) == len(re.findall(r"^    (?:shell|script):", text, re.MULTILINE)), path.name
        assert all((path.parent / name).resolve() == ENVIRONMENT for name in environments)


def deploy(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a copy of the script in a checkout, as Snakemake does, with a `python` that prints what it is told."""
    for name in ("bin", "copies"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "bin" / "python").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (folder / "bin" / "python").chmod(0o755)
    copy = shutil.copyfile(SCRIPT, folder / "copies" / "0123.post-deploy.sh")
    interpreter = SCRIPT.read_text().splitlines()[0].removeprefix("#!")
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [*interpreter.split(), str(copy)],
        cwd=folder, env={**os.environ, "PATH": path}, text=True, capture_output=True, check=False,
    )  # fmt: skip


def test_the_environment_installs_the_checkout_by_the_lock(tmp_path: Path) -> None:
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    done = deploy(tmp_path)
    assert done.returncode == 0, done.stderr
    module, program, *args = done.stdout.split()
    assert (module, program, args.pop(0)) == ("-m", "pip", "install")
    constraints = args[args.index("-c") + 1]
    assert (tmp_path / constraints).read_text() == (ROOT / "requirements.lock").read_text()
    project = Requirement(f"zeroshot-vss{args[args.index('-e') + 1].removeprefix('.')}")
    assert project.extras <= set(PROJECT["optional-dependencies"]) and "slurm" in project.extras


def test_elsewhere_it_says_where_to_run_it(tmp_path: Path) -> None:
    done = deploy(tmp_path)
    assert done.returncode == 1 and str(tmp_path) in done.stderr and "checkout" in done.stderr
