"""Where the workflow lies on the disk."""

from __future__ import annotations

from pathlib import Path

import zeroshot_vss
from zeroshot_vss.errors import InputError


def find_home() -> Path:
    """The folder of the workflow: that of the library's checkout, or the working directory.

    Raises:
        InputError: neither has the rules.
    """
    checkout = Path(zeroshot_vss.__file__).parents[2]
    for folder in (checkout, Path.cwd()):
        if (folder / "Snakefile").is_file() and (folder / "rules").is_dir():
            return folder
    raise InputError(
        f"the workflow's Snakefile and rules are neither beside the library, in {checkout}, nor here; install the "
        "library from a checkout (`pip install -e .`), or run this in one"
    )
