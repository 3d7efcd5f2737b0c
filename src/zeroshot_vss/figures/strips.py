"""Pictures of labels and masks, and tables of pictures with titles above and at the side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.figures.style import Panel, Picture, Row, enlarged
from zeroshot_vss.io.palette import overlay

Shown = Picture | Panel | None
"""What stands in a cell of a table: a picture, a panel with what is drawn upon it, or nothing."""


def painted(labels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> Picture:
    """[h, w] labels in their colours [n, 3]; void and unknown labels stay white."""
    white = np.full((*labels.shape, 3), 255, np.uint8)
    return enlarged(overlay(white, labels, colours, 1.0))


def mask_picture(mask: NDArray[np.bool_]) -> Picture:
    """[h, w] of yes (white) and no (black)."""
    return enlarged(np.where(mask[..., None], np.uint8(255), np.uint8(0)).repeat(3, -1))


def table(columns: Sequence[str], lines: Iterable[tuple[str, Sequence[Shown]]], *, apart: bool = False) -> list[Row]:
    """Rows of pictures, the columns' titles above the first.

    Args:
        columns: the titles.
        lines: what stands at the side of each row, and its pictures.
        apart: whether there is more space above the first row.
    """
    rows: list[Row] = []
    for side, pictures in lines:
        titles = [""] * len(columns) if rows else columns
        panels = [None if p is None else _titled(p, t) for p, t in zip(pictures, titles, strict=True)]
        rows.append(Row(panels, side, apart=apart and not rows))
    return rows


def _titled(shown: Picture | Panel, title: str) -> Panel:
    return replace(shown, title=title) if isinstance(shown, Panel) else Panel(shown, title)
