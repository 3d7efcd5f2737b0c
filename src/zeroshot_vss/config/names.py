"""Names in the configuration: what they may be, and that they exist."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from zeroshot_vss.registry import did_you_mean

Name = Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
"""Names that become file names."""
VARIANT = "~"
"""Stands between a method's name and the point of a sweep: `ours~batch-size=4`."""


def all_known(where: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse names that are not defined.

    Args:
        where: the key that holds the names, for the message.
        names: those that are used.
        known: those that are defined.

    Raises:
        ValueError: naming the first that is not defined, and the closest that is.
    """
    defined = list(known)
    for name in names:
        if name not in defined:
            raise ValueError(
                f"{where}: '{name}' is not defined{did_you_mean(name, defined)}; known: {', '.join(defined)}"
            )
