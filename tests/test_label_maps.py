"""Difference maps and label maps against loops over pixels, and against the literal method's."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from literal_method import difference_map
from zeroshot_vss.backbones.base import PlainPass
from zeroshot_vss.method.difference import filter_maps, normalised_difference, resize_masks
from zeroshot_vss.method.guided import Guided
from zeroshot_vss.method.modulation import label_maps
from zeroshot_vss.settings.edges import GuidedFilter
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Arithmetic, Modulation, Upsampling

Floats = NDArray[np.float64]


def filtered(
    plus: Tensor, minus: Tensor, masks: NDArray[np.bool_], size: tuple[int, int], s: float | None, kind: Arithmetic
) -> Floats:
    """D~ [n, H, W] of masks [n, h, w]; D where s is None."""
    maps = normalised_difference(plus, minus, size, kind)
    return (maps if s is None else filter_maps(maps, resize_masks(torch.from_numpy(masks), size), s)).numpy()


def images(count: int, size: tuple[int, int], seed: int) -> tuple[Tensor, Tensor]:
    """Pairs of images that differ by up to a half, partly beyond black and white."""
    rng = np.random.default_rng(seed)
    base = rng.uniform(-1.2, 1.2, (count, 3, *size))
    return tuple(torch.from_numpy((base + rng.uniform(-0.5, 0.5, base.shape)).astype(np.float32)) for _ in range(2))  # pyright: ignore


def at(image: Floats, y: float, x: float) -> Floats:
    """The image [h, w, 3] between pixels, whose centres are at whole numbers; outside are its border pixels."""
    y, x = min(max(y, 0), image.shape[0] - 1), min(max(x, 0), image.shape[1] - 1)
    top, left = int(y), int(x)
    low, right = min(top + 1, image.shape[0] - 1), min(left + 1, image.shape[1] - 1)
    above = (1 - x + left) * image[top, left] + (x - left) * image[top, right]
    below = (1 - x + left) * image[low, left] + (x - left) * image[low, right]
    return (1 - y + top) * above + (y - top) * below


def slow_difference(plus: Floats, minus: Floats, mask: NDArray[np.bool_], size: tuple[int, int], s: float) -> Floats:
    """A pixel at a time: resized about the centres, compared, blurred, divided by the largest, filtered."""
    height, width = size
    length = np.empty(size)
    for y in range(height):
        for x in range(width):
            place = (y + 0.5) * plus.shape[0] / height - 0.5, (x + 0.5) * plus.shape[1] / width - 0.5
            length[y, x] = np.sqrt(((at(plus.clip(-1, 1), *place) - at(minus.clip(-1, 1), *place)) ** 2).sum())
    steps = range(-2, 3)
    weights = np.exp(-np.square(steps) / 18)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    blurred = np.zeros(size)
    for y in range(height):
        for x in range(width):
            for weight, (dy, dx) in zip(weights.ravel(), product(steps, steps), strict=True):
                # Reflected about the border pixels.
                v, u = height - 1 - abs(height - 1 - abs(y + dy)), width - 1 - abs(width - 1 - abs(x + dx))
                blurred[y, x] += weight * length[v, u]
    picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).resize((width, height), Image.Resampling.LANCZOS)
    inside = np.asarray(picture) / 255
    filtered = np.empty(size)
    for y in range(height):
        for x in range(width):
            filtered[y, x] = blurred[y, x] / blurred.max() * (inside[y, x] + s * (1 - inside[y, x]))
    return filtered


@pytest.mark.parametrize("size", [(16, 24), (19, 31)])
def test_difference_maps_are_those_of_loops_over_pixels(size: tuple[int, int]) -> None:
    plus, minus = images(2, (16, 24), seed=0)
    masks = np.random.default_rng(1).random((2, 4, 6)) < 0.5
    actual = filtered(plus, minus, masks, size, 0.7, "float")
    for index, mask in enumerate(masks):
        one, other = (t[index].permute(1, 2, 0).double().numpy() for t in (plus, minus))
        expected = slow_difference(one, other, mask, size, 0.7)
        np.testing.assert_allclose(actual[index], expected, atol=1e-5)
        literal = difference_map(one.astype(np.float32), other.astype(np.float32), mask, size, 0.7, released=False)
        np.testing.assert_allclose(literal, expected, atol=1e-5)


@pytest.mark.parametrize("strength", [0.7, None])
@pytest.mark.parametrize("size", [(16, 24), (19, 31)])
def test_released_maps_are_the_literal_ones(size: tuple[int, int], strength: float | None) -> None:
    plus, minus = images(3, (16, 24), seed=2)
    masks = np.random.default_rng(1).random((3, 4, 6)) < 0.5
    actual = filtered(plus, minus, masks, size, strength, "wrapped-8-bit")
    for index, mask in enumerate(masks):
        one, other = (t[index].permute(1, 2, 0).numpy() for t in (plus, minus))
        expected = difference_map(one, other, mask, size, strength, released=True)
        # The blur's last digits decide a few truncations to 8 bits, which JPEG spreads over a block.
        assert np.abs(actual[index] - expected).mean() < 2e-3


class Painter:
    """Stands for a backbone: a pass brightens or darkens a random picture where its mask is, by a random pattern."""

    name, coupled = "painter", False

    def __init__(self, frames: int, grid: tuple[int, int], scale: int) -> None:
        rng = np.random.default_rng(5)
        shape = (frames, 3, grid[0] * scale, grid[1] * scale)
        self.pictures, self.patterns = (torch.from_numpy(rng.random(shape).astype(np.float32)) for _ in range(2))
        self.scale = scale

    def denoise_modulated(
        self, plain: Any, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        inside = masks.float().repeat_interleave(self.scale, 1).repeat_interleave(self.scale, 2)[:, None]
        change = strengths[:, None, None, None] / 100 * (inside + 0.2)
        return 0.6 * self.pictures[frames] - 0.3 + change * self.patterns[frames]

    def decode(self, latents: Tensor) -> Tensor:
        return latents


@pytest.mark.parametrize("kind", ["float", "wrapped-8-bit"])
@pytest.mark.parametrize("guided", [None, GuidedFilter(radius=0.25, epsilon=0.05)])
def test_label_maps_are_the_argmax_of_literal_maps(kind: Any, guided: GuidedFilter | None) -> None:
    size = (26, 38)
    coarse = np.random.default_rng(0).choice([3, 7, 250], (3, 3, 4))
    coarse[1] = 7  # a frame of one label, which no pass tells apart
    painter = Painter(3, (3, 4), 8)
    modulation = Modulation(block=7, step=22, strength=50)
    plain = PlainPass(Sampling(), states={step: torch.zeros(3, 1, 3, 4) for step in range(21, 25)})
    settings = Upsampling(modulation=modulation, difference=kind, filter=0.7, guided=guided)
    guides = np.random.default_rng(4).integers(0, 256, (3, *size, 3), np.uint8)
    actual = label_maps(painter, plain, coarse, size, settings, budget=1.0, guides=guides)  # pyright: ignore
    assert (actual[1] == 7).all()
    for frame in (0, 2):
        labels, offered = np.unique(coarse[frame]), []
        for label in labels:
            mask = coarse[frame] == label
            given = torch.from_numpy(mask)[None].repeat(2, 1, 1), torch.tensor([50.0, -50.0])
            pair = painter.denoise_modulated(plain, torch.tensor([frame] * 2), *given, modulation)
            shown: Any = pair.permute(0, 2, 3, 1).numpy()
            plus, minus = shown
            offered.append(difference_map(plus, minus, mask, size, None if guided else 0.7, kind != "float"))
            if guided is not None:
                # A quarter of a cell of 26 / 3 rows is two pixels. Filtered before equation 7.
                smooth = Guided(guides[frame], 2, 0.05)(offered[-1][None])[0]
                picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255))
                inside = np.asarray(picture.resize((size[1], size[0]), Image.Resampling.LANCZOS)) / 255
                offered[-1] = smooth * inside + 0.7 * smooth * (1 - inside)
        expected = labels[np.argmax(offered, 0)]
        assert (actual[frame] == expected).mean() > 0.99 and len(np.unique(expected)) == len(labels)
