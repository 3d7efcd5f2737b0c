"""Running tests in a copy of the tree, each run in a forked process so that heavy imports are done once."""

from __future__ import annotations

import importlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

HEAVY = (
    "numpy", "scipy.ndimage", "torch", "cv2", "h5py", "av", "pandas", "pydantic", "PIL.Image", "sklearn.cluster",
    "sklearn.decomposition", "sklearn.ensemble", "sklearn.linear_model", "sklearn.neural_network", "sklearn.svm",
    "skimage.morphology", "transformers", "diffusers.models.unets.unet_2d_condition",
    "diffusers.models.unets.unet_spatio_temporal_condition", "diffusers.models.autoencoders.autoencoder_kl",
    "diffusers.models.autoencoders.autoencoder_tiny",
    "diffusers.models.autoencoders.autoencoder_kl_temporal_decoder",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion",
    "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img",
    "diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion",
    "diffusers.schedulers.scheduling_euler_discrete", "diffusers.schedulers.scheduling_ddpm",
    "diffusers.schedulers.scheduling_pndm", "hypothesis", "hypothesis.extra.numpy", "pytest",
)  # fmt: skip
"""Other people's modules that the tests import; the package itself is imported anew in each run."""
ALONE = "ZEROSHOT_VSS_"
"""What environment variables start with that point tests to files outside of the repository."""

Status = Literal["passed", "failed", "timed out"]


class Outcome(NamedTuple):
    """Of one run."""

    status: Status
    said: str
    """The first test that failed, or the last line."""
    seconds: float


def copy_tree(root: Path, work: Path) -> Path:
    """The repository's files as a plain clone would have them, in `work`; returns the copy.

    Raises:
        ValueError: `work` lies beside files that a plain clone does not have.
    """
    if (work.resolve() / "shared").exists():
        raise ValueError(f"{work} holds a folder 'shared', which tests of the copy would read; choose another place")
    copy = work / "tree"
    shutil.rmtree(copy, ignore_errors=True)
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        if (root / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, copy / name)
    return copy


def preload() -> None:
    """Import what is heavy, once. Nothing may start a thread before the forks."""
    os.environ["OMP_NUM_THREADS"] = "1"
    sys.dont_write_bytecode = True  # a mutant of the same size within a second would be taken for the one before
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    for name in [name for name in os.environ if name.startswith(ALONE)]:
        del os.environ[name]
    for name in HEAVY:
        importlib.import_module(name)


def run_tests(copy: Path, tests: Sequence[str], timeout: float, said: Path, first: bool = True) -> Outcome:
    """Run files of tests/ in the copy until one fails, or all of them if not `first`; output goes to `said`.

    `timeout` is in seconds of the processor, so that a busy machine decides on nothing.
    """
    began = time.monotonic()
    process = os.fork()
    if not process:
        _child(copy, tests, timeout, said, first)
    ended = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    seconds = time.monotonic() - began
    text = said.read_text(errors="replace")
    if ended == -signal.SIGXCPU:
        return Outcome("timed out", f"not done after {timeout:.0f} s of the processor", seconds)
    failures = re.findall(r"^(?:FAILED|ERROR) (?:tests/)?(\S+)", text, re.MULTILINE)
    if ended == 0:
        return Outcome("passed", text.strip().splitlines()[-1], seconds)
    return Outcome("failed", " ".join(dict.fromkeys(failures)) or f"status {ended}", seconds)


def _child(copy: Path, tests: Sequence[str], timeout: float, said: Path, first: bool) -> None:
    status = 3  # as pytest has it for errors of its own
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (int(timeout), int(timeout) + 5))
        os.chdir(copy)
        output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        source = str(copy / "src")
        sys.path[0:0] = [source, str(copy)]
        os.environ["PYTHONPATH"] = source
        import pytest
        from hypothesis import Phase, settings

        # A counterexample is enough; it need not become small.
        phases = [Phase.explicit, Phase.generate]
        settings.register_profile("mutation", phases=phases, database=None, derandomize=True)
        settings.load_profile("mutation")
        options = ["-n", "0", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=line", *(["-x"] if first else [])]
        status = 0
        # A file after another, so that the later ones are not imported where the first fails.
        for name in tests:
            status = max(status, int(pytest.main([*options, f"tests/{name}"])))
            if status and first:
                break
        sys.stdout.flush()
    finally:
        os._exit(status)
