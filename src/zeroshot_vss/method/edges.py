"""Filters that follow the edges of a frame: joint bilateral upsampling and the guided filter.

Both are linear in what they filter, keep a map of ones as it is, and look at one frame alone. Colours are divided by
255, so that settings have the same meaning for every filter.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import partial
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.settings.edges import GuidedFilter, JointBilateral

Colours = NDArray[np.uint8]
"""[H, W, 3] a frame."""
Floats = NDArray[np.floating]
VALUES_AT_ONCE = 2**24
"""Of maps at full size that are filtered in one go, so that many labels stay within memory."""
WINDOW = 3
"""Standard deviations of the spatial weights beyond which they count as zero: they are below 0.012 there."""


class Filter(Protocol):
    """Brings maps [m, h, w] to the size of a frame [m, H, W], along its edges."""

    def __call__(self, maps: Floats) -> NDArray[np.float32]: ...


def joint_bilateral(maps: Floats, frame: Colours, settings: JointBilateral) -> NDArray[np.float32]:
    """Joint bilateral upsampling of maps [m, h, w] to [m, H, W] (Kopf et al. 2007).

    A pixel p takes the mean of the cells q around it, weighted by f(p - q) g(I_p - I_q): gaussians of their distance,
    in cells, and of that of their colours. The colour of a cell is the mean over its pixels, not that of its centre,
    as frames are noisy. Weights are formed from differences of exponents, so that their sum is never zero.

    Args:
        maps: [m, h, w] on the grid of cells.
        frame: [H, W, 3], the guide.
        settings: the standard deviations.
    """
    guide = _scaled(frame)
    means = cv2.resize(guide, maps.shape[:0:-1], interpolation=cv2.INTER_AREA)
    cells = np.asarray(means, np.float32).reshape(*maps.shape[1:], 3)
    largest = np.full(guide.shape[:2], -np.inf, np.float32)
    for _, exponent in _neighbours(guide, cells, settings):
        np.maximum(largest, exponent, out=largest)
    sums, total = np.zeros((len(maps), *guide.shape[:2]), np.float32), np.zeros_like(largest)
    for places, exponent in _neighbours(guide, cells, settings):
        weight = np.exp(exponent - largest)
        sums += weight * maps[:, places[0], places[1]]
        total += weight
    return sums / total


def _neighbours(
    guide: NDArray[np.float32], cells: NDArray[np.float32], settings: JointBilateral
) -> Iterator[tuple[tuple[NDArray[np.intp], NDArray[np.intp]], NDArray[np.float32]]]:
    """For each place in the window: that cell of every pixel, as indices, and the exponent of its weight [H, W].

    Beyond the grid the weight is zero, its exponent minus infinity.
    """
    ways = [_along(*sides, settings.spatial) for sides in zip(guide.shape[:2], cells.shape[:2], strict=True)]
    for (row, down), (column, across) in ((y, x) for y in ways[0] for x in ways[1]):
        places = row[:, None], column[None]
        colours = np.square(guide - cells[places]).sum(-1) / np.float32(-2 * settings.colour**2)
        yield places, colours + down[:, None] + across[None]


def _along(pixels: int, cells: int, spatial: float) -> list[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """The places of a window along one side: the cell of each pixel, within the grid, and its exponent."""
    position = (np.arange(pixels) + 0.5) * cells / pixels - 0.5
    nearest = np.floor(position + 0.5).astype(np.intp)
    reach = math.ceil(WINDOW * spatial)
    ways = []
    for offset in range(-reach, reach + 1):
        cell = nearest + offset
        exponent = -np.square(position - cell) / (2 * spatial**2)
        inside = (cell >= 0) & (cell < cells)
        ways.append((cell.clip(0, cells - 1), np.where(inside, exponent, -np.inf).astype(np.float32)))
    return ways


class Guided:
    """The guided filter of one frame (He, Sun and Tang 2010) with a guide of three channels.

    In each window the map is fitted by a plane over colour, a I + b; a pixel takes the mean of the planes of all
    windows that hold it. Windows end where the frame ends.

    Args:
        frame: [H, W, 3], the guide.
        radius: pixels; windows have sides of 2 radius + 1.
        epsilon: added to the variances.
    """

    def __init__(self, frame: Colours, radius: int, epsilon: float) -> None:
        self.radius, self.guide = radius, _scaled(frame).astype(np.float64)
        self.mean = _window_means(self.guide, radius)
        products = self.guide[..., :, None] * self.guide[..., None, :]
        squares = _window_means(products.reshape(*frame.shape[:2], 9), radius).reshape(products.shape)
        covariance = squares - self.mean[..., :, None] * self.mean[..., None, :]
        self.inverse = np.linalg.inv(covariance + epsilon * np.eye(3))

    def __call__(self, maps: Floats) -> NDArray[np.float32]:
        """[m, h, w] to [m, H, W]: resized bilinearly, then filtered."""
        size = self.guide.shape[:2]
        made = np.zeros((len(maps), *size), np.float32)
        for index, values in enumerate(maps):
            full = cv2.resize(values.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR)
            if (region := self._reached(full)) is not None:
                made[index][region] = self._filtered(full[region], region)
        return made

    def _reached(self, values: Floats) -> tuple[slice, slice] | None:
        """Where the filter makes other than zero of a map: windows that hold a value, and the windows of these."""
        rows, columns = np.flatnonzero(values.any(1)), np.flatnonzero(values.any(0))
        if not rows.size:
            return None
        # The outermost windows are cut off where the region ends, which changes their sizes: they hold zeros alone.
        reach = 3 * self.radius
        top, left = (max(int(places[0]) - reach, 0) for places in (rows, columns))
        return slice(top, int(rows[-1]) + reach + 1), slice(left, int(columns[-1]) + reach + 1)

    def _filtered(self, values: Floats, region: tuple[slice, slice]) -> NDArray[np.floating]:
        guide, mean_guide, values = self.guide[region], self.mean[region], values.astype(np.float64)
        means = _window_means(np.dstack([values[..., None], guide * values[..., None]]), self.radius)
        mean, covariance = means[..., :1], means[..., 1:] - mean_guide * means[..., :1]
        a = (self.inverse[region] @ covariance[..., None])[..., 0]
        b = mean[..., 0] - (a * mean_guide).sum(-1)
        planes = _window_means(np.dstack([a, b[..., None]]), self.radius)
        return (planes[..., :3] * guide).sum(-1) + planes[..., 3]


def _window_means(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    """Means of [H, W, c] over windows of radius pixels, of what lies within the frame."""
    sides = (2 * radius + 1, 2 * radius + 1)
    sums = partial(cv2.boxFilter, ddepth=-1, ksize=sides, normalize=False, borderType=cv2.BORDER_CONSTANT)
    count = np.asarray(sums(np.ones(values.shape[:2])), np.float64)
    return np.asarray(sums(values), np.float64).reshape(values.shape) / count[..., None]


def guided_filter(frame: Colours, grid: tuple[int, int], settings: GuidedFilter) -> Guided:
    """The guided filter of a frame [H, W, 3] with settings in cells of a grid h, w."""
    return Guided(frame, max(round(settings.radius * frame.shape[0] / grid[0]), 1), settings.epsilon)


def _scaled(frame: Colours) -> NDArray[np.float32]:
    return frame.astype(np.float32) / np.float32(255)


def filtered_labels(coarse: NDArray[np.uint8], size: tuple[int, int], along: Filter) -> NDArray[np.uint8]:
    """The argmax over labels of their filtered masks: [h, w] to [H, W] = `size`. Ties go to the smallest label."""
    labels = np.unique(coarse)
    best, chosen = np.full(size, -np.inf, np.float32), np.zeros(size, np.uint8)
    at_once = max(VALUES_AT_ONCE // math.prod(size), 1)
    for first in range(0, len(labels), at_once):
        some = labels[first : first + at_once]
        maps = along((coarse == some[:, None, None]).astype(np.float32))
        better = maps.max(0) > best
        chosen[better], best[better] = some[maps.argmax(0)][better], maps.max(0)[better]
    return chosen
