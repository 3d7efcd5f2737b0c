"""Paths as users write them."""

from __future__ import annotations

import os
import re
from pathlib import Path

from zeroshot_vss.errors import InputError

VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def full_path(text: str | Path, whose: str = "") -> Path:
    """A path with `~` and environment variables (`$HOME/x`, `${DATA}/x`) replaced by what they stand for.

    Args:
        text: as written.
        whose: thing that lies there, for the message.

    Raises:
        InputError: the environment does not set one of them.
    """
    written = str(text)
    for match in VARIABLE.finditer(written):
        name = match[1] or match[2]
        if name not in os.environ:
            begin = f"{whose}: " if whose else ""
            raise InputError(
                f"{begin}{written}: the environment does not set ${name}; set it, or write all of the path"
            )
    return Path(os.path.expandvars(written)).expanduser()
