"""What the pixels of a mask mean."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, LabelMap, Legend
from zeroshot_vss.errors import InputError

# The module, not its function: importing palette first comes through here before the function is there.
from zeroshot_vss.io import palette
from zeroshot_vss.io.images import is_colour_image, read_mask, read_rgb


class MaskReader(Protocol):
    """Makes class ids of the file of a mask."""

    def read(self, path: Path, where: str) -> LabelMap:
        """The class ids, [H, W].

        Args:
            path: the file.
            where: what it belongs to, the start of error messages.

        Raises:
            InputError: the file is no such mask or holds a value that must not occur.
        """
        ...


@dataclass(frozen=True)
class MaskIds:
    """Masks that hold numbers."""

    table: NDArray[np.int16]
    """[256] class id or VOID of every stored value, -1 for values that must not occur."""
    expected: str
    """The allowed values in words, for messages, e.g. "0..124 or 255"."""

    @classmethod
    def of(cls, meaning: Mapping[int, int], expected: str) -> MaskIds:
        """From stored value to class id; values that are not named are refused."""
        table = np.full(256, -1, np.int16)
        table[list(meaning)] = list(meaning.values())
        return cls(table, expected)

    def read(self, path: Path, where: str) -> LabelMap:
        """See `MaskReader`."""
        stored = read_mask(path, where)
        mapped = self.table[stored]
        if (mapped < 0).any():
            value = stored[mapped < 0].min()
            raise InputError(f"{where}: mask {path.name} holds id {value}; expected {self.expected}")
        return mapped.astype(np.uint8)


@dataclass(frozen=True)
class MaskColours:
    """Masks that are pictures, one colour a class."""

    codes: NDArray[np.int32]
    """[n] colours as red * 65536 + green * 256 + blue, ascending."""
    ids: NDArray[np.uint8]
    """[n] class id or VOID of each."""

    @classmethod
    def of(cls, meaning: Mapping[tuple[int, int, int], int]) -> MaskColours:
        """From colour (red, green, blue) to class id; colours that are not named are refused."""
        pairs = sorted(((red << 16) + (green << 8) + blue, label) for (red, green, blue), label in meaning.items())
        codes, ids = zip(*pairs, strict=True)
        return cls(np.array(codes, np.int32), np.array(ids, np.uint8))

    def read(self, path: Path, where: str) -> LabelMap:
        """See `MaskReader`. A palette mask counts by the colours that it shows."""
        stored = read_rgb(path, where).astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32)
        place = np.searchsorted(self.codes, stored).clip(max=len(self.codes) - 1)
        if (unknown := self.codes[place] != stored).any():
            code = int(stored[unknown].min())
            colour = (code >> 16, code >> 8 & 255, code & 255)
            raise InputError(
                f"{where}: mask {path.name} holds the colour {colour}, which is that of no class; "
                "masks must not be resized or compressed with loss"
            )
        return self.ids[place]


MOST_COLOURS = 64
"""Of a user's mask; a resized or lossily compressed one has thousands."""


@dataclass(frozen=True)
class UserMask:
    """An annotation as a user draws it."""

    labels: LabelMap
    """[H, W]: 0..254 or VOID."""
    legend: Legend
    """`background`, `label 1`, ...; of a mask of colours in its own."""


def read_user_mask(path: Path, colours: Sequence[str], where: str) -> UserMask:
    """Read an annotation: an indexed PNG, grey ids (255 is VOID; 1 where there is 0 beside it alone), or colours.

    Args:
        path: the file.
        colours: `#rrggbb` of labels 1, 2, ... of an image of colours; where empty all that occur, rising. Black is 0.
        where: what it belongs to, the start of error messages.

    Raises:
        InputError: the file is no such mask, a colour is none, or the mask has colours that are not named.
    """
    codes = [_code(colour, where) for colour in colours]
    if not codes and not is_colour_image(path, where):
        labels = read_mask(path, where)
        if set(np.unique(labels)) == {0, VOID}:
            # A black and white picture of one object, as DAVIS 2016 has them: with VOID it would say nothing.
            labels = (labels == VOID).astype(np.uint8)
        most = int(labels[labels != VOID].max(initial=0))
        return UserMask(labels, _legend(palette.cluster_colours(most + 1)))
    stored = read_rgb(path, where)
    if not codes:
        present = np.unique(stored.reshape(-1, 3).astype(np.int32) @ np.array([1 << 16, 1 << 8, 1], np.int32))
        codes = [int(code) for code in present if code]
        if len(codes) > MOST_COLOURS:
            raise InputError(
                f"{where}: mask {path.name} holds {len(codes)} colours, expected {MOST_COLOURS} at most; masks must "
                "not be resized or compressed with loss"
            )
    if len(codes) >= VOID or len(set(codes)) < len(codes):
        raise InputError(f"{where}: the colours of mask {path.name} must be different and {VOID - 1} at most")
    rgb = [(code >> 16, code >> 8 & 255, code & 255) for code in (0, *(code for code in codes if code))]
    labels = MaskColours.of({colour: label for label, colour in enumerate(rgb)}).read(path, where)
    return UserMask(labels, _legend(np.array(rgb, np.uint8)))


def _legend(colours: NDArray[np.uint8]) -> Legend:
    return Legend(("background", *(f"label {label}" for label in range(1, len(colours)))), colours)


def _code(colour: str, where: str) -> int:
    if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
        raise InputError(f"{where}: {colour!r} is no colour; expected #rrggbb, for example #ff0000")
    return int(colour[1:], 16)
