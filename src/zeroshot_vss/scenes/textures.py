"""Procedural textures. Every function takes a generator and a size and returns [h, w] float32 in [-1, 1].

Classes share colours (see :mod:`zeroshot_vss.scenes.world`), so that what tells them apart is here:
scale, orientation and regularity of the pattern.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.float32]


def noise(rng: np.random.Generator, height: int, width: int, scale_y: float, scale_x: float) -> Texture:
    """Smooth noise with features of about `scale_y` x `scale_x` pixels."""
    small = rng.standard_normal((int(height / scale_y) + 3, int(width / scale_x) + 3), dtype=np.float32)
    big = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.asarray(big, np.float32) / 1.5, -1, 1)


def fractal(rng: np.random.Generator, height: int, width: int, scale: float, octaves: int = 3) -> Texture:
    """Sum of noises, each of half the scale and half the strength of the one before."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        total += 0.5**octave * noise(rng, height, width, scale / 2**octave, scale / 2**octave)
    return np.clip(total, -1, 1)


def bricks(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Rows of offset bricks with light joints."""
    row, column = int(rng.integers(4, 7)), int(rng.integers(8, 14))
    y, x = np.mgrid[0:height, 0:width]
    course = y // row
    shifted = x + (course % 2) * (column // 2)
    tone = rng.uniform(-0.6, 0.2, (height // row + 1, (width + column) // column + 1)).astype(np.float32)
    out = tone[course, shifted // column]
    out[(y % row == 0) | (shifted % column == 0)] = 0.8
    return out


def windows(rng: np.random.Generator, height: int, width: int) -> Texture:
    """A regular grid of dark or lit windows on a plain wall."""
    pitch_y, pitch_x = int(rng.integers(9, 15)), int(rng.integers(8, 14))
    y, x = np.mgrid[0:height, 0:width]
    inside = (y % pitch_y > 0.35 * pitch_y) & (x % pitch_x > 0.4 * pitch_x)
    tone = rng.choice(np.array([-0.95, -0.8, 0.9], np.float32), (height // pitch_y + 1, width // pitch_x + 1))
    out = np.full((height, width), 0.15, np.float32)
    out[inside] = tone[y // pitch_y, x // pitch_x][inside]
    return out


def panels(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Horizontal bands crossed by thin posts, as on an office front."""
    pitch_y, pitch_x = int(rng.integers(7, 11)), int(rng.integers(10, 18))
    y, x = np.mgrid[0:height, 0:width]
    out = np.where(y % pitch_y < pitch_y // 2, 0.6, -0.7).astype(np.float32)
    out[x % pitch_x == 0] = 0.3
    return out


def leaves(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Round, strongly shaded clumps."""
    size = rng.uniform(3.0, 4.5)
    return np.clip(1.8 * noise(rng, height, width, size, size) + 0.3 * noise(rng, height, width, 9, 9), -1, 1)  # pyright: ignore[reportReturnType]


def needles(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Drooping diagonal strokes of a conifer."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    phase = 2.2 * noise(rng, height, width, 6, 6)
    return np.sin(1.1 * y + 0.55 * np.abs(x % 24 - 12) + phase).astype(np.float32)


def blades(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Short upright strokes: grass."""
    return np.clip(1.5 * noise(rng, height, width, 5.0, 1.6) + 0.3 * noise(rng, height, width, 16, 16), -1, 1)  # pyright: ignore[reportReturnType]


def furrows(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Mown or ploughed stripes of grass."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    stripes = np.sin(2 * np.pi * (x + 0.5 * y) / rng.uniform(7, 10))
    return np.clip(0.6 * stripes + 0.7 * noise(rng, height, width, 4.0, 1.6), -1, 1).astype(np.float32)


def asphalt(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Nearly smooth, with fine grain and long faint streaks along the road."""
    grain = 0.16 * rng.standard_normal((height, width), dtype=np.float32)
    return np.clip(grain + 0.35 * noise(rng, height, width, 3.0, 60.0), -1, 1)  # pyright: ignore[reportReturnType]


def setts(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Flat slabs with dark joints: a paved road."""
    pitch = int(rng.integers(10, 15))
    y, x = np.mgrid[0:height, 0:width]
    tone = rng.uniform(0.0, 0.4, (height // pitch + 1, width // pitch + 2)).astype(np.float32)
    out = tone[y // pitch, (x + y // 2) // pitch % tone.shape[1]]
    out[(y % pitch == 0) | ((x + y // 2) % pitch == 0)] = -0.8
    return out


def clouds(rng: np.random.Generator, height: int, width: int) -> Texture:
    """Large soft shapes."""
    return 0.7 * fractal(rng, height, width, rng.uniform(25, 45), 3)
