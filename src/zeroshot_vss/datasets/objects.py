"""What the data sets of video object segmentation have in common: ids of objects and their colours."""

from __future__ import annotations

import numpy as np

from zeroshot_vss.datasets.base import VOID, Legend
from zeroshot_vss.datasets.masks import MaskIds

MOST_OBJECTS = 20
"""DAVIS has ten at most; its palette has colours for this many and one more."""

_EXPECTED = f"0..{MOST_OBJECTS} or 255"
OBJECTS = MaskIds.of({0: 0, VOID: VOID} | {label: label for label in range(1, MOST_OBJECTS + 1)}, _EXPECTED)
"""0 background, 1..n the objects, 255 void."""
ONE_OBJECT = MaskIds.of({0: 0, VOID: 1} | dict.fromkeys(range(1, MOST_OBJECTS + 1), 1), _EXPECTED)
"""Everything but 0 is the one object: masks of 0 and 255, of 0 and 1, or of several objects that are to be one."""


def object_legend(objects: int) -> Legend:
    """`background`, `object 1`, ... in the colours of DAVIS, for 1..`MOST_OBJECTS` objects."""
    names = ("background", *(f"object {label}" for label in range(1, objects + 1)))
    # An id's bits 0, 1, 2 give a channel each 128, its bits 3, 4, 5 give 64; both together are 191 there.
    levels = np.array([0, 128, 64, 191], np.uint8)
    ids = np.arange(objects + 1)
    channels = [levels[(ids >> channel & 1) + 2 * (ids >> channel + 3 & 1)] for channel in range(3)]
    return Legend(names, np.stack(channels, axis=1))
