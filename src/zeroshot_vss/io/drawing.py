"""Label maps drawn for people: outlines, a legend below the picture, the frame beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from zeroshot_vss.datasets.base import VOID, Frames, Legend
from zeroshot_vss.io.palette import overlay

_DARKER = 0.55
"""Outlines are of their label's colour, so much darker, which is seen on light and on dark ground."""
_PAPER, _INK = 255, 40
"""Grey of the legend's ground and of its words."""


@dataclass(frozen=True)
class Drawing:
    """How label maps are drawn over frames."""

    opacity: float = 0.45
    """Of the labels' colours, 0..1."""
    outlines: bool = True
    legend: bool = True
    side_by_side: bool = False
    """The plain frame at the left of the drawn one."""


def outlined(drawn: Frames, labels: NDArray[np.uint8], colours: NDArray[np.uint8]) -> Frames:
    """Draw the outlines of label maps, a pixel wide, two from 720 rows on.

    Args:
        drawn: [..., H, W, 3] uint8 RGB.
        labels: [..., H, W] uint8; a pixel is on an outline where the one to the right or below has another label.
        colours: [n, 3] uint8; the outlines of other labels and of VOID are not drawn.
    """
    edge = np.zeros(labels.shape, bool)
    across, down = labels[..., :, 1:] != labels[..., :, :-1], labels[..., 1:, :] != labels[..., :-1, :]
    edge[..., :, :-1] |= across
    edge[..., :-1, :] |= down
    if labels.shape[-2] >= 720:
        edge[..., :, 1:] |= across
        edge[..., 1:, :] |= down
    edge &= (labels < len(colours)) & (labels != VOID)
    dark = (colours * _DARKER).astype(np.uint8)
    out = drawn.copy()
    out[edge] = dark[labels[edge]]
    return out


def legend_strip(legend: Legend, labels: Sequence[int], width: int, size: int = 16) -> NDArray[np.uint8]:
    """The colours and names of labels in lines, [h, width, 3] uint8, h even; names too long for a line are cut.

    Args:
        legend: names and colours by label.
        labels: which of them, in this order.
        width: pixels, at least 1.
        size: height of the letters in pixels.
    """
    font, gap, row = _font(size), size // 2, size + size // 2
    places: list[tuple[int, int, int, str]] = []
    x, y = gap, gap
    for label in labels:
        name = _shorten(legend.names[label], font, width - row - 2 * gap)
        wide = row + round(font.getlength(name)) + gap
        if x > gap and x + wide > width:
            x, y = gap, y + row
        places.append((label, x, y, name))
        x += wide + gap
    height = (y + row + gap if places else 0) + 1 & ~1
    image = Image.new("RGB", (width, height), (_PAPER,) * 3)
    draw = ImageDraw.Draw(image)
    for label, left, top, name in places:
        draw.rectangle((left, top, left + size, top + size), fill=tuple(legend.colours[label].tolist()))
        draw.text((left + row, top + size // 2), name, fill=(_INK,) * 3, font=font, anchor="lm")
    return np.asarray(image)


def draw(frames: Frames, labels: NDArray[np.uint8], legend: Legend, shown: Sequence[int], how: Drawing) -> Frames:
    """Label maps over frames as `how` says.

    Args:
        frames: [n, H, W, 3] uint8 RGB.
        labels: [n, H, W] uint8.
        legend: names and colours by label.
        shown: labels that the legend names, the same for all frames of a clip.
        how: see :class:`Drawing`.

    Returns:
        [n, H', W', 3]: W' is 2 W side by side; H' has the height of the legend more.
    """
    drawn = overlay(frames, labels, legend.colours, how.opacity)
    if how.outlines:
        drawn = outlined(drawn, labels, legend.colours)
    if how.side_by_side:
        drawn = np.concatenate([frames, drawn], axis=2)
    if how.legend:
        size = max(round(frames.shape[1] / 30), 11)
        strip = legend_strip(legend, shown, drawn.shape[2], size)
        drawn = np.concatenate([drawn, np.broadcast_to(strip, (len(drawn), *strip.shape))], axis=1)
    return drawn


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(mpl.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _shorten(name: str, font: ImageFont.FreeTypeFont, width: int) -> str:
    if font.getlength(name) <= width:
        return name
    kept = next((n for n in range(len(name), 0, -1) if font.getlength(name[:n] + "…") <= width), 0)
    return name[:kept] + "…"
