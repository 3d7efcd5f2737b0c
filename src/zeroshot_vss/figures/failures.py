"""Where the method fails, found by the data (figures 8, 9 and 10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID

Bools = NDArray[np.bool_]


class Case(NamedTuple):
    """A frame of a clip and how bad it is."""

    clip: str
    frame: int
    score: float


def worst(scores: Mapping[str, Mapping[int, float]], count: int) -> list[Case]:
    """The worst frame of each clip, then the `count` worst of these, largest score first.

    One a clip, as the frames beside the worst one are much like it. Ties go to the earlier clip and frame.

    Args:
        scores: of each clip's frames; clips without any are passed over.
        count: how many cases, at most.
    """
    of_clips = [Case(clip, *max(known.items(), key=lambda item: item[1])) for clip, known in scores.items() if known]
    return sorted(of_clips, key=lambda case: -case.score)[:count]


def reconstruction_change(frames: NDArray[np.uint8], decoded: NDArray[np.uint8]) -> NDArray[np.float32]:
    """How far decoded images are from their frames: the mean over colour of absolute differences.

    [n, h, w, 3] twice to [n, h, w] from 0 to 255.
    """
    return np.abs(frames.astype(np.float32) - decoded.astype(np.float32)).mean(-1)


def hottest(values: NDArray[np.float32], window: float = 0.2) -> tuple[float, float]:
    """Centre (y, x, from 0 to 1) of the square with the largest mean of [h, w], its side a share of the height."""
    height, width = values.shape
    side = max(round(window * height), 1)
    means = cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_ISOLATED)
    inner = means[side // 2 : height - side // 2, side // 2 : width - side // 2]
    y, x = np.unravel_index(int(inner.argmax()), inner.shape)
    return (int(y) + side // 2 + 0.5) / height, (int(x) + side // 2 + 0.5) / width


def static_pixels(frames: NDArray[np.uint8], truth: NDArray[np.uint8], tolerance: int) -> Bools:
    """Pixels of two consecutive frames that stay what they are: colour within a tolerance, and the same class.

    Args:
        frames: [2, H, W, 3].
        truth: [2, H, W]; pixels without a class are never static.
        tolerance: largest difference of a channel, 0..255, that sensor noise may make.
    """
    change = np.abs(frames[0].astype(np.int16) - frames[1]).max(-1)
    return (change <= tolerance) & (truth[0] == truth[1]) & (truth[0] != VOID)


def flips(labels: NDArray[np.uint8], static: Bools) -> Bools:
    """Static pixels whose label changes between two consecutive frames: labels [2, H, W], static [H, W]."""
    return (labels[0] != labels[1]) & static


def unseen(truth: NDArray[np.uint8], first: NDArray[np.uint8]) -> Bools:
    """Pixels [H, W] of a class that the first annotation does not have; void is no class."""
    return ~np.isin(truth, np.unique(first)) & (truth != VOID)


def pointed_at(frame: NDArray[np.uint8], mask: Bools, colour: tuple[float, float, float]) -> NDArray[np.uint8]:
    """A frame [H, W, 3], grey and pale, with the pixels of a mask in a colour (RGB, 0..1)."""
    pale = (128 + 0.5 * frame.mean(-1, keepdims=True)).astype(np.uint8).repeat(3, -1)
    return np.where(mask[..., None], (np.array(colour) * 255 + 0.5).astype(np.uint8), pale)
