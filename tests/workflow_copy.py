"""The workflow in a folder of its own, with its own copy of the library, as a fresh clone has it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

import zeroshot_vss

ROOT = Path(__file__).parent.parent
LIBRARY = Path(zeroshot_vss.__file__).parent
PARTS = ("Snakefile", "rules", "scripts", "config", "profiles", "envs", "report")


def copy_workflow(folder: Path) -> Path:
    """Copy the workflow and the library to `folder`; all files are new there."""
    folder.mkdir(parents=True)
    for name in PARTS:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(LIBRARY, folder / "src" / LIBRARY.name, ignore=ignored, copy_function=shutil.copyfile)
    return folder


def write_config(folder: Path, values: dict[str, Any]) -> None:
    """Write the overlay that `command` uses."""
    (folder / "overlay.yaml").write_text(yaml.safe_dump(values))


def environment(folder: Path, **more: str) -> dict[str, str]:
    """The library of the copy in place of the installed one, the interpreter of the tests, no network."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "PYTHONPATH": str(folder / "src"), "XDG_CACHE_HOME": str(folder.parent / "cache")}
    return {**os.environ, **own, "HF_HUB_OFFLINE": "1", **more}


def command(*args: str, configs: tuple[str, ...] = ()) -> list[str]:
    """A call of Snakemake with the overlay."""
    return [
        *(sys.executable, "-m", "snakemake", "--cores", "2", "--configfile", *configs, "overlay.yaml", "--"),
        *args,
    ]


def snakemake(
    folder: Path, *args: str, options: tuple[str, ...] = (), configs: tuple[str, ...] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    """Run Snakemake in `folder`; `more` are environment variables. Output and messages are in `stdout`."""
    call = command(*args, configs=configs)
    call[3:3] = options
    return subprocess.run(
        call, cwd=folder, env=environment(folder, **more), text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def planned(folder: Path, *args: str) -> dict[str, int]:
    """Jobs that a run would do now, by rule."""
    done = snakemake(folder, *args, options=("--dry-run", "--quiet", "rules"))
    assert done.returncode == 0, done.stdout
    jobs = {rule: int(count) for rule, count in re.findall(r"^(\w+) +(\d+)$", done.stdout, re.MULTILINE)}
    assert jobs or "Nothing to be done" in done.stdout, done.stdout
    jobs.pop("total", None)
    return jobs
