"""Rows of pictures with titles: strips over time (figure 1), cases beside each other (figures 5 to 14)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.figures.style import Panel, Picture, Row, enlarged
from zeroshot_vss.palette import overlay


def painted(labels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> Picture:
    """[h, w] labels in their colours [n, 3]; void and unknown labels stay white."""
    white = np.full((*labels.shape, 3), 255, np.uint8)
    return enlarged(overlay(white, labels, colours, 1.0))


def mask_picture(mask: NDArray[np.bool_]) -> Picture:
    """[h, w] of yes (white) and no (black)."""
    return enlarged(np.where(mask[..., None], np.uint8(255), np.uint8(0)).repeat(3, -1))


def over_time(columns: Sequence[str], lines: Mapping[str, Sequence[Picture | None]]) -> list[Row]:
    """One row a line, its name at the side; the columns' titles above the first."""
    rows: list[Row] = []
    for side, pictures in lines.items():
        titles = columns if not rows else [""] * len(columns)
        panels = [None if p is None else Panel(p, title) for p, title in zip(pictures, titles, strict=True)]
        rows.append(Row(panels, side))
    return rows


def cases(found: Iterable[tuple[str, Mapping[str, Picture | Panel | None]]]) -> list[Row]:
    """One row a case, its name at the side; the titles of the first case's pictures above them.

    Args:
        found: name and titled pictures of each case. A panel keeps what is drawn upon it.
    """
    rows: list[Row] = []
    for side, pictures in found:
        panels: list[Panel | None] = []
        for title, picture in pictures.items():
            if picture is None:
                panels.append(None)
                continue
            panel = picture if isinstance(picture, Panel) else Panel(picture)
            panels.append(replace(panel, title="" if rows else title))
        rows.append(Row(panels, side))
    return rows
