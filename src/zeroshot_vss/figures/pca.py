"""Features as colours and their change over time (figures 2 and 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.figures.style import Panel, Picture, Row, enlarged

_CUT = 1.0
"""Percent of the values at either end that are drawn as the darkest and the brightest."""


def principal_colours(tokens: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The first three principal components of all frames' features together, as red, green and blue.

    Each component spans the whole range but for a percent at either end. Its sign, which PCA leaves open, makes the
    largest weight positive, so that the same features have the same colours everywhere.

    Args:
        tokens: [n, h, w, C] with C of at least 3.

    Returns:
        [n, h, w, 3] uint8.
    """
    return (principal_components(tokens, 3) * 255 + 0.5).astype(np.uint8)


def principal_components(tokens: NDArray[np.floating], count: int) -> NDArray[np.float64]:
    """The first principal components [..., count] of tokens [..., C] (C >= count), each clipped to 0..1 as above."""
    flat = tokens.reshape(-1, tokens.shape[-1]).astype(np.float64)
    centred = flat - flat.mean(0)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, : -count - 1 : -1]
    axes = axes * np.sign(np.take_along_axis(axes, np.abs(axes).argmax(0)[None], 0))
    values = centred @ axes
    low, high = np.percentile(values, (_CUT, 100 - _CUT), 0)
    scaled = (values - low) / np.where(high > low, high - low, 1)
    return np.clip(scaled, 0, 1).reshape(*tokens.shape[:-1], count)


def slice_over_time(images: NDArray[np.uint8], height: float) -> Picture:
    """The x-t slice [n, w, 3]: the row at `height` (0 top, below 1) of each of [n, h, w, 3], the first on top."""
    return images[:, int(height * images.shape[1])]


class Features(NamedTuple):
    """What is compared: the frames themselves, or the features of one kind of layer."""

    title: str
    images: NDArray[np.uint8]
    """[n, h, w, 3] of a batch, in the order of time."""


def feature_rows(
    compared: Sequence[Features], shown: tuple[int, int], names: tuple[str, str], height: float
) -> list[Row]:
    """Two frames of each, side by side, and the x-t slice of the batch below them.

    Args:
        compared: from left to right.
        shown: places in the batch of the two frames.
        names: of the two frames.
        height: of the slice's row, from 0 (top) to 1; a line in the first pictures marks it.
    """
    shape = compared[0].images.shape[1] / compared[0].images.shape[2]
    kinds = Row([Panel(None, one.title, span=2) for one in compared])
    pairs = Row(
        [
            Panel(enlarged(one.images[place]), name, line=height if place == shown[0] else None)
            for one in compared
            for place, name in zip(shown, names, strict=True)
        ],
        height=shape,
    )
    slices = [Panel(enlarged(slice_over_time(one.images, height)), span=2) for one in compared]
    return [kinds, pairs, Row(slices, "\N{LEFTWARDS ARROW} time", height=shape)]
