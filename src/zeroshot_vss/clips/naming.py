"""What labels are called: names given by hand, before (of a mask's ids) or afterwards (of clusters)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, Legend
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing

LONGEST = 80
"""Letters of a name."""


@dataclass(frozen=True)
class Naming:
    """Names of labels; labels of one name are one.

    Attributes:
        label_of: [256] uint8: what each stored value becomes. Values of one name become the smallest of them, so that
            a label keeps its colour; VOID stays.
        legend: names and colours of all 255 labels.
        given: the names that were given by hand.
    """

    label_of: NDArray[np.uint8]
    legend: Legend
    given: Mapping[int, str]

    @classmethod
    def of(cls, names: Mapping[int, str], otherwise: Legend | None = None) -> Naming:
        """From names of labels.

        Args:
            names: of labels 0..254; labels without one keep their number and the name that they have in `otherwise`.
            otherwise: the names before; `cluster 0`, ... where None.

        Raises:
            InputError: a label cannot be, or a name is empty or too long.
        """
        # Imported here: scikit-image takes a second, and the configuration reads names.
        from zeroshot_vss.io.palette import cluster_colours

        known = () if otherwise is None else otherwise.names
        word = "cluster" if otherwise is None else "label"
        called = [*known, *(f"{word} {label}" for label in range(len(known), VOID))]
        colours = cluster_colours(VOID)
        if otherwise is not None:
            colours[: len(known)] = otherwise.colours
        for label, name in names.items():
            if not 0 <= label < VOID:
                raise InputError(f"names: {label} is no label; expected 0..{VOID - 1}")
            called[label] = checked_name(name, f"names: {label}")
        label_of, first = np.arange(256, dtype=np.uint8), {}
        for label in sorted(names):
            label_of[label] = first.setdefault(called[label], label)
        return cls(label_of, Legend(tuple(called), colours), {label: called[label] for label in names})

    def apply(self, maps: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Label maps [...] with labels of one name made one."""
        return self.label_of[maps]


def checked_name(name: str, where: str) -> str:
    """A name without blanks around it.

    Raises:
        InputError: it is empty, too long, or holds what no font shows.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise InputError(f"{where}: {name[:LONGEST]!r} cannot be a name; expected 1 to {LONGEST} printable letters")
    return name


def parse_names(text: str) -> dict[str, str]:
    """`1=swan,2=water` as a mapping; the keys are labels, clusters, or colours of a mask (`#ff0000=swan`).

    Raises:
        InputError: a part has no `=`, or a key stands twice.
    """
    names: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, equals, name = part.partition("=")
        if not equals:
            raise InputError(f"names: {part!r} has no '='; expected for example 1=swan,2=water")
        if key.strip() in names:
            raise InputError(f"names: {key.strip()!r} stands twice")
        names[key.strip()] = checked_name(name, f"names: {key.strip()}")
    return names


def read_names(path: Path) -> dict[str, str]:
    """A file of names, YAML or JSON: `{"0": "swan", "3": "swan"}`, as the player saves it.

    Raises:
        InputError: it is missing or holds something else.
    """
    try:
        content = yaml.safe_load(path.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise InputError(f"names: {path} cannot be read ({reason})") from error
    if not isinstance(content, dict) or not all(
        isinstance(key, int | str) and isinstance(name, str) for key, name in content.items()
    ):
        raise InputError(f'names: {path} is no table of names; expected for example {{"0": "swan", "3": "water"}}')
    return {str(key): checked_name(name, f"names: {path}: {key}") for key, name in content.items()}


def write_names(path: Path, names: Mapping[int, str]) -> None:
    """Write a file of names."""
    with replacing(path) as partial:
        partial.write_text(json.dumps({str(label): name for label, name in names.items()}, indent=1) + "\n")


def numbered(names: Mapping[str, str], where: str) -> dict[int, str]:
    """Names by label, where the keys must be numbers.

    Raises:
        InputError: a key is no number, or none of a label.
    """
    for key in names:
        if not re.fullmatch("[0-9]{1,3}", key) or int(key) >= VOID:
            raise InputError(f"{where}: {key!r} is no label; expected numbers of 0..{VOID - 1}")
    return {int(key): name for key, name in names.items()}


def used(maps: Iterable[NDArray[np.uint8]]) -> list[int]:
    """The labels that some maps hold, rising, without VOID."""
    seen = np.zeros(256, bool)
    for part in maps:
        seen |= np.bincount(part.reshape(-1), minlength=256) > 0
    return np.flatnonzero(seen[:VOID]).tolist()
