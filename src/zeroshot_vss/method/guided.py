"""The guided filter of maps, along the edges of a frame.

It is linear in what it filters, keeps a map of ones as it is, and looks at one frame alone. Colours are divided by
255, so that a setting has the same meaning for every frame.
"""

from __future__ import annotations

import math
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.settings.edges import GuidedFilter

Colours = NDArray[np.uint8]
"""[H, W, 3] a frame."""
Floats = NDArray[np.floating]
VALUES_AT_ONCE = 2**24
"""Of maps at full size that are filtered in one go, so that many labels stay within memory."""


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
        self.radius, self.guide = radius, frame / np.float64(255)
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


def guided_labels(coarse: NDArray[np.uint8], size: tuple[int, int], filtered: Guided) -> NDArray[np.uint8]:
    """The argmax over labels of their filtered masks: [h, w] to [H, W] = `size`. Ties go to the smallest label."""
    labels = np.unique(coarse)
    best, chosen = np.full(size, -np.inf, np.float32), np.zeros(size, np.uint8)
    at_once = max(VALUES_AT_ONCE // math.prod(size), 1)
    for first in range(0, len(labels), at_once):
        some = labels[first : first + at_once]
        maps = filtered((coarse == some[:, None, None]).astype(np.float32))
        better = maps.max(0) > best
        chosen[better], best[better] = some[maps.argmax(0)][better], maps.max(0)[better]
    return chosen
