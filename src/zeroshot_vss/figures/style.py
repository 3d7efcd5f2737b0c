"""The one style of all figures: sizes, fonts, colours, and the sheet that their pictures are laid out on.

Lengths are inches, sizes of letters are points. Every text is measured before it is placed, so nothing overlaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Ellipse, Rectangle
from matplotlib.textpath import text_to_path
from numpy.typing import NDArray

from zeroshot_vss.io.files import replacing

Picture = NDArray[np.uint8]
"""[h, w, 3] RGB."""

COLUMN, PAGE = 3.3, 6.9
"""Widths of a column and of a page."""
ACCENT: tuple[float, float, float] = sns.color_palette("colorblind")[3]
"""Of lines, rings and outlines, and of pixels that are pointed at: vermilion."""

FONT = "DejaVu Sans"
TITLE, SMALL, ARROW = 7.5, 6.8, 10.0
_LEADING = 1.25 / 72
_GAP, _APART, _MARGIN = 0.035, 0.09, 0.04
_DPI = 300
_SWATCH = 0.09
_RAMP = 0.5


@dataclass(frozen=True)
class Dots:
    """Points upon a picture."""

    places: NDArray[np.floating]
    """[n, 2]: y and x, from 0 to 1."""
    colours: NDArray[np.floating]
    """[n, 3] RGB, 0..1."""
    size: float
    """Diameter in points."""
    paths: Sequence[NDArray[np.floating]] = ()
    """Lines [k, 2] through places, drawn below the points."""


@dataclass(frozen=True)
class Panel:
    """A picture with what is written above it and drawn upon it; without one, the words alone."""

    image: Picture | None
    title: str = ""
    span: int = 1
    """Columns that it takes."""
    outlined: bool = False
    line: float | None = None
    """Where a line runs across, from 0 (top) to 1."""
    ring: tuple[float, float] | None = None
    """Where a ring is drawn: y and x, from 0 to 1."""
    dots: Dots | None = None


@dataclass(frozen=True)
class Row:
    """Panels side by side; None leaves a column empty."""

    panels: Sequence[Panel | None]
    side: str = ""
    """Written upwards at the left."""
    height: float | None = None
    """Of its pictures, as a share of a column's width; None keeps the shape of the first of one column."""
    apart: bool = False
    """More space above."""
    arrows: bool = False
    """Arrows from each panel to the next; they need gutters."""


@dataclass(frozen=True)
class Key:
    """An entry of the legend: a colour, or the scale from 0 to 1 where there is none."""

    text: str
    colour: Sequence[float] | None = None
    """RGB, 0..1."""


@dataclass(frozen=True)
class Placed:
    """Something on the sheet: from `top` and `left`, `width` wide and `height` high."""

    what: Panel | Key | str
    left: float
    top: float
    width: float
    height: float
    style: Mapping[str, Any] = field(default_factory=dict)
    """Of text."""


@cache
def text_width(text: str, size: float) -> float:
    """Width of a line."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(family=FONT, size=size), False)[0] / 72


def wrapped(text: str, width: float, size: float) -> list[str]:
    """The lines of a text that is broken at plain spaces to fit a width; a longer word stands alone."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and text_width(longer, size) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


def fitting_size(texts: Iterable[tuple[str, float]], size: float) -> float:
    """The size, or the largest below it, at which every word of the texts fits the width that stands beside it."""
    widths = [(width, text_width(word, size)) for text, width in texts for word in text.split()]
    return size * min([1.0, *(width / word for width, word in widths if word > width > 0)])


def heat(values: NDArray[np.floating]) -> Picture:
    """[..., h, w] values from 0 to 1 in colours whose lightness grows with them: [..., h, w, 3]."""
    colours: Any = mpl.colormaps["magma"](np.clip(values, 0, 1), bytes=True)
    return colours[..., :3]


def enlarged(image: Picture, least: int = 256) -> Picture:
    """Pixels repeated until the shorter side has `least` of them, so that no viewer blurs the cells of a grid."""
    factor = -(-least // min(image.shape[:2]))
    return image.repeat(factor, 0).repeat(factor, 1)


class Sheet:
    """A figure that grows downwards."""

    def __init__(self, width: float = PAGE) -> None:
        self.width, self.height = width, _MARGIN
        self.placed: list[Placed] = []

    def rows(self, rows: Sequence[Row], gutters: Mapping[int, float] | None = None) -> None:
        """Add rows of pictures whose columns have one width; `gutters` widen the space before some columns."""
        columns = max(sum(panel.span if panel else 1 for panel in row.panels) for row in rows)
        spaces = [_GAP + (gutters or {}).get(i, 0) for i in range(1, columns)]
        # The more lines the texts at the side take, the narrower are the columns, and the lower are the rows.
        lines = 0
        while True:
            side = lines * SMALL * _LEADING + (_GAP if lines else 0)
            width = (self.width - 2 * _MARGIN - side - sum(spaces)) / columns
            size = fitting_size(((row.side, _height(row, width)) for row in rows), SMALL)
            sides = [wrapped(row.side, _height(row, width), size) if row.side else [] for row in rows]
            if max(map(len, sides)) <= lines:
                break
            lines += 1
        lefts = _MARGIN + side + np.concatenate([[0], np.cumsum([width + space for space in spaces])])
        for number, (row, side_lines) in enumerate(zip(rows, sides, strict=True)):
            if number:
                self.height += _APART if row.apart else _GAP
            self._row(row, lefts.tolist(), width, side_lines, size)

    def _row(self, row: Row, lefts: list[float], column: float, side: list[str], side_size: float) -> None:
        boxes: list[tuple[Panel, float, float]] = []
        place = 0
        for panel in row.panels:
            span = panel.span if panel else 1
            if panel:
                boxes.append((panel, lefts[place], lefts[place + span - 1] + column - lefts[place]))
            place += span
        size = fitting_size(((panel.title, width) for panel, _, width in boxes), TITLE)
        titles = [wrapped(panel.title, width, size) if panel.title else [] for panel, _, width in boxes]
        above = max(map(len, titles), default=0) * size * _LEADING
        height = _height(row, column)
        for (panel, left, width), lines in zip(boxes, titles, strict=True):
            start = self.height + above - len(lines) * size * _LEADING
            self._text(lines, left, start, width, size, ha="center")
            if panel.image is not None:
                self.placed.append(Placed(panel, left, self.height + above, width, height))
        if row.arrows:
            for (_, start, wide), (_, end, _) in pairwise(boxes):
                room, at = end - start - wide, self.height + above + (height - ARROW * _LEADING) / 2
                self._text(["\N{RIGHTWARDS ARROW}"], start + wide, at, room, ARROW, ha="center")
        for number, line in enumerate(side):
            left = _MARGIN + number * SMALL * _LEADING
            style = {"rotation": 90, "ha": "center", "va": "center", "size": side_size}
            self.placed.append(Placed(line, left, self.height + above, SMALL * _LEADING, height, style))
        self.height += above + height

    def _text(self, lines: Sequence[str], left: float, top: float, width: float, size: float, **style: Any) -> None:
        for number, line in enumerate(lines):
            height = size * _LEADING
            style_options = {"ha": "left", "va": "center", "size": size, **style}
            self.placed.append(Placed(line, left, top + number * height, width, height, style_options))

    def keys(self, keys: Sequence[Key]) -> None:
        """Add a legend, in as many lines as it needs."""
        lines: list[list[tuple[Key, float]]] = [[]]
        for key in keys:
            wide = _key_width(key)
            if lines[-1] and sum(w for _, w in lines[-1]) + wide > self.width - 2 * _MARGIN:
                lines.append([])
            lines[-1].append((key, wide))
        self.height += 2 * _GAP
        for line in lines:
            left = (self.width - sum(w for _, w in line)) / 2
            for key, wide in line:
                self.placed.append(Placed(key, left, self.height, wide, TITLE * _LEADING))
                left += wide
            self.height += TITLE * _LEADING

    def caption(self, text: str) -> None:
        """Add small text over the whole width."""
        width = self.width - 2 * _MARGIN
        self.height += 2 * _GAP
        lines = wrapped(text, width, SMALL)
        self._text(lines, _MARGIN, self.height, width, SMALL, color="0.25")
        self.height += len(lines) * SMALL * _LEADING

    def save(self, *paths: Path) -> None:
        """Write the figure, in the formats that the names end in. The same sheet gives the same bytes."""
        style: dict[Any, Any] = {
            **sns.axes_style("white"),
            **sns.plotting_context("paper"),
            "font.family": FONT,
            "pdf.fonttype": 42,
        }
        with mpl.rc_context(style):
            figure = Figure((self.width, self.height + _MARGIN), dpi=_DPI)
            for placed in self.placed:
                _draw(figure, placed)
            for path in paths:
                kind = path.suffix[1:]
                unstamped = {"CreationDate": None} if kind == "pdf" else {"Software": None}
                with replacing(path) as partial:
                    figure.savefig(partial, dpi=_DPI, format=kind, metadata=unstamped)


def _height(row: Row, column: float) -> float:
    if row.height is not None:
        return row.height * column
    shapes = [panel.image.shape for panel in row.panels if panel and panel.image is not None and panel.span == 1]
    return column * shapes[0][0] / shapes[0][1] if shapes else 0.0


def _key_width(key: Key) -> float:
    return text_width(key.text, TITLE) + (_SWATCH if key.colour is not None else _RAMP) + 4 * _GAP


def _draw(figure: Figure, placed: Placed) -> None:
    width, height = figure.get_size_inches()
    box = (
        placed.left / width,
        1 - (placed.top + placed.height) / height,
        placed.width / width,
        placed.height / height,
    )
    if isinstance(placed.what, Panel):
        _draw_panel(figure, placed.what, box)
    elif isinstance(placed.what, Key):
        _draw_key(figure, placed.what, box)
    else:
        x = box[0] + {"left": 0.0, "center": 0.5}[placed.style["ha"]] * box[2]
        figure.text(x, box[1] + box[3] / 2, placed.what, **placed.style)


def _draw_panel(figure: Figure, panel: Panel, box: tuple[float, float, float, float]) -> None:
    assert panel.image is not None
    axes = figure.add_axes(box)
    axes.imshow(panel.image, aspect="auto", extent=(0, 1, 1, 0))
    axes.set(xticks=[], yticks=[], xlim=(0, 1), ylim=(1, 0))
    axes.spines[:].set(color=ACCENT if panel.outlined else "0.6", linewidth=1.4 if panel.outlined else 0.3)
    if panel.line is not None:
        axes.axhline(panel.line, color="white", linewidth=1.8)
        axes.axhline(panel.line, color=ACCENT, linewidth=0.9)
    if panel.dots is not None:
        for path in panel.dots.paths:
            axes.plot(path[:, 1], path[:, 0], color="black", linewidth=0.6)
        (y, x), edge = panel.dots.places.T, "black" if panel.dots.paths else "none"
        axes.scatter(x, y, panel.dots.size**2, panel.dots.colours, edgecolors=edge, linewidths=0.5, zorder=3)
    if panel.ring is not None:
        y, x = panel.ring
        shape = panel.image.shape[0] / panel.image.shape[1]
        axes.add_patch(Ellipse((x, y), 0.3 * shape, 0.3, fill=False, color=ACCENT, linewidth=0.9))


def _draw_key(figure: Figure, key: Key, box: tuple[float, float, float, float]) -> None:
    left, bottom, _, high = box
    inch = 1 / figure.get_figwidth()
    style: dict[str, Any] = {"size": TITLE, "va": "center"}
    if key.colour is not None:
        swatch = (left, bottom + 0.15 * high)
        figure.add_artist(
            Rectangle(swatch, _SWATCH * inch, 0.7 * high, facecolor=key.colour, edgecolor="0.5", lw=0.3)
        )
        figure.text(left + (_SWATCH + _GAP) * inch, bottom + high / 2, key.text, **style)
        return
    ramp = figure.add_axes((left, bottom + 0.15 * high, _RAMP * inch, 0.7 * high))
    ramp.imshow(heat(np.linspace(0, 1, 256)[None]), aspect="auto")
    ramp.set_axis_off()
    figure.text(left + (_RAMP + _GAP) * inch, bottom + high / 2, key.text, **style)
