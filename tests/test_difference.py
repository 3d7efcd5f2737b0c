"""Difference maps, their filter and argmax, and which modulated passes they need."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from zeroshot_vss.backbones.base import PlainPass
from zeroshot_vss.method import difference
from zeroshot_vss.method.difference import normalised_difference
from zeroshot_vss.method.modulation import modulated_images
from zeroshot_vss.method.pairs import Pair, pairs_of
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

few = settings(max_examples=60, deadline=None)


def images(*channels: list[float], dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """One image [1, 3, 1, n] from the values of its three channels."""
    return torch.tensor(channels, dtype=dtype)[None, :, None]


# Differences


def test_colour_difference_is_the_length_over_channels() -> None:
    plus, minus = images([3, 1], [4, 1], [0, 1]), images([0, 1], [0, 1], [0, 1])
    assert difference.colour_difference(plus, minus).tolist() == [[[5, 0]]]
    assert difference.colour_difference(minus, plus).tolist() == [[[5, 0]]]


def test_8_bit_images_are_clamped_and_truncated() -> None:
    values = [-1.5, -1, 0, 1, 1.5, 2 * 100.99 / 255 - 1]
    assert difference.to_8_bit(images(values, values, values))[0, 0, 0].tolist() == [0, 0, 127, 255, 255, 100]


@pytest.mark.parametrize(
    ("plus", "minus", "square"),
    [
        (10, 5, 25),
        # 5 - 10 is 251, whose square 63001 is 246 * 256 + 25: small differences are as without wrapping.
        (5, 10, 25),
        (15, 0, 225),
        # From 16 on the square folds back: 256, 289, 400, and 255^2 = 254 * 256 + 1.
        (16, 0, 0),
        (17, 0, 33),
        (0, 20, 144),
        (255, 0, 1),
        (200, 72, 0),
    ],
)
def test_8_bit_arithmetic_wraps(plus: int, minus: int, square: int) -> None:
    one = difference.wrapped_difference(
        images([plus], [7], [0], dtype=torch.uint8), images([minus], [7], [0], dtype=torch.uint8)
    )
    assert one.dtype == torch.float32
    assert float(one) == pytest.approx(square**0.5, rel=1e-6)
    # The sum over channels does not wrap.
    three = difference.wrapped_difference(
        images([plus], [plus], [plus], dtype=torch.uint8), images([minus], [minus], [minus], dtype=torch.uint8)
    )
    assert float(three) == pytest.approx((3 * square) ** 0.5, rel=1e-6)


def test_8_bit_resizing_is_exact_on_constants_and_keeps_the_own_size() -> None:
    constant = torch.full((2, 3, 4, 6), 77, dtype=torch.uint8)
    assert difference.resize_8_bit(constant, (9, 5)).shape == (2, 3, 9, 5)
    assert (difference.resize_8_bit(constant, (9, 5)) == 77).all()
    picture = torch.randint(0, 256, (1, 3, 4, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert torch.equal(difference.resize_8_bit(picture, (4, 6)), picture)


# Blur and normalisation


@few
@given(st.integers(3, 12), st.integers(3, 12), st.integers(0, 2**32 - 1))
def test_blur_is_a_gaussian_with_reflected_borders(height: int, width: int, seed: int) -> None:
    maps = np.random.default_rng(seed).uniform(0, 400, (2, height, width)).astype(np.float32)
    expected = np.stack([cv2.GaussianBlur(m, (5, 5), 3, borderType=cv2.BORDER_REFLECT_101) for m in maps])
    assert np.allclose(difference.blur(torch.from_numpy(maps)).numpy(), expected, rtol=1e-5, atol=1e-4)


def test_blur_of_a_point_by_hand() -> None:
    point = torch.zeros(1, 9, 9)
    point[0, 4, 4] = 1
    weights = np.exp(-np.array([4, 1, 0, 1, 4]) / 18)
    weights /= weights.sum()
    expected = np.zeros((9, 9))
    expected[2:7, 2:7] = np.outer(weights, weights)
    assert np.allclose(difference.blur(point)[0].numpy(), expected, atol=1e-7)


def test_normalised_maps_have_the_maximum_1_and_zeros_stay() -> None:
    maps = torch.tensor([[[0.0, 2], [1, 4]], [[0, 0], [0, 0]], [[0, 0.5], [0, 0]]])
    expected = [[[0, 0.5], [0.25, 1]], [[0, 0], [0, 0]], [[0, 1], [0, 0]]]
    assert difference.normalise(maps).tolist() == expected


def test_stored_maps_are_normalised_with_a_small_number() -> None:
    maps = torch.tensor([[[0, 10], [20, 5]], [[0, 0], [0, 0]]], dtype=torch.uint8)
    actual = difference.normalise_stored(maps)
    assert actual.dtype == torch.float64
    assert actual[0].flatten().tolist() == pytest.approx([0, 10 / 20.00001, 20 / 20.00001, 5 / 20.00001], rel=1e-12)
    assert actual[1].tolist() == [[0, 0], [0, 0]]


def test_storing_truncates_to_8_bits() -> None:
    # A picture of one value passes through JPEG unchanged.
    assert (difference.store_8_bit(torch.full((1, 16, 16), 130.9)) == 130).all()


def test_storing_is_a_jpeg_of_quality_75() -> None:
    """OpenCV's own, whose decoder may round otherwise."""
    picture = np.random.default_rng(0).integers(0, 256, (24, 40)).astype(np.uint8)
    stored = difference.store_8_bit(torch.from_numpy(picture[None]).float())[0].numpy().astype(int)
    for quality, alike in ((75, True), (70, False), (80, False)):
        _, file = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
        other = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE)).astype(int)
        assert (np.abs(stored - other).max() <= 1) == alike, quality


# Filter


def test_filter_by_hand() -> None:
    maps = torch.tensor([[[1.0, 1, 0.5, 0.8]]])
    masks = torch.tensor([[[1.0, 0, 0.5, 0]]])
    # D M + s D (1 - M) with s = 0.7.
    expected = [1, 0.7, 0.5 * 0.5 + 0.7 * 0.5 * 0.5, 0.56]
    assert difference.filter_maps(maps, masks, 0.7).flatten().tolist() == pytest.approx(expected)
    assert torch.equal(difference.filter_maps(maps, masks, 1), maps)
    assert torch.equal(difference.filter_maps(maps, masks, 0), maps * masks)


@few
@given(st.integers(0, 99), *(2 * [st.integers(1, 60)]), *(2 * [st.integers(0, 200)]))
def test_masks_are_resized_on_8_bits_as_pillow_does(seed: int, h: int, w: int, more: int, wider: int) -> None:
    height, width = h + more, w + wider
    masks = np.random.default_rng(seed).integers(0, 2, (2, h, w)).astype(np.uint8)
    actual = difference.resize_masks(torch.from_numpy(masks), (height, width))
    assert actual.dtype == torch.float64
    for mask, resized in zip(masks, actual, strict=True):
        picture = Image.fromarray(mask * np.uint8(255)).resize((width, height), Image.Resampling.LANCZOS)
        assert np.array_equal(resized.numpy(), np.asarray(picture) / 255)
    assert np.array_equal(difference.resize_masks(torch.from_numpy(masks), (h, w)), masks)


# Argmax


@few
@given(st.integers(1, 4), st.integers(1, 5), st.booleans(), st.sampled_from([-1, 0, 3]), st.integers(0, 2**32 - 1))
def test_running_argmax_is_the_argmax(count: int, labels: int, doubles: bool, nothing: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = torch.float64 if doubles else torch.float32
    running = difference.RunningArgmax(count, 3, 4, nothing, torch.device("cpu"), dtype)
    names = np.sort(rng.choice(200, labels, replace=False))
    # Few values, so that many are equal; a label may be absent from some frames, and from all.
    maps = rng.integers(0, 3, (labels, count, 3, 4)) / 2
    present = rng.random((labels, count)) < 0.7
    for index, name in enumerate(names):
        frames = np.flatnonzero(present[index])
        running.update(int(name), torch.from_numpy(frames), torch.from_numpy(maps[index, frames]).to(dtype))
    offered = np.where(present[:, :, None, None], maps, -1)
    reached = present.any(0).reshape(count, 1, 1)
    expected = np.where(reached, names[offered.argmax(0)], nothing)
    assert np.array_equal(running.labels.numpy(), expected)


# Whole maps


def test_float_maps_do_not_depend_on_the_scale_of_a_difference() -> None:
    generator = torch.Generator().manual_seed(0)
    base = torch.rand((1, 3, 16, 16), generator=generator) - 0.5
    change = 0.1 * torch.rand((1, 3, 16, 16), generator=generator)
    one = normalised_difference(base + change, base, (16, 16))
    two = normalised_difference(base + 2 * change, base - change, (16, 16))
    assert torch.allclose(one, two, atol=1e-5)
    assert float(one.amax()) == 1


@pytest.mark.parametrize("arithmetic", ["float", "squared"])
def test_maps_are_those_of_a_literal_loop(arithmetic: Any) -> None:
    """Pixel by pixel: clamp, difference of colours, Gaussian of 5 x 5 with mirrored borders, share of the largest."""
    rng = np.random.default_rng(2)
    height, width = 6, 7
    plus, minus = rng.uniform(-1.3, 1.3, (2, 2, 3, height, width))
    weights = np.exp(-(np.add.outer(np.arange(-2, 3) ** 2, np.arange(-2, 3) ** 2)) / (2 * 3.0**2))
    expected = np.zeros((2, height, width))
    for image in range(2):
        distances = np.zeros((height, width))
        for y in range(height):
            for x in range(width):
                away = 0.0
                for channel in range(3):
                    both = [min(max(float(side[image, channel, y, x]), -1), 1) for side in (plus, minus)]
                    away += (both[0] - both[1]) ** 2
                distances[y, x] = away if arithmetic == "squared" else away**0.5
        mirrored = np.pad(distances, 2, mode="reflect")
        for y in range(height):
            for x in range(width):
                expected[image, y, x] = (mirrored[y : y + 5, x : x + 5] * weights).sum() / weights.sum()
        expected[image] /= expected[image].max()
    actual = normalised_difference(torch.from_numpy(plus).float(), torch.from_numpy(minus).float(), (height, width),
                                  arithmetic)  # fmt: skip
    assert np.allclose(actual.numpy(), expected, atol=1e-5)


def test_maps_have_the_size_of_the_frames() -> None:
    plus, minus = torch.zeros(2, 3, 16, 24), torch.full((2, 3, 16, 24), 0.05)
    territory = np.zeros((2, 2, 3), np.bool_)
    territory[:, :, 0] = True
    for kind in ("float", "wrapped-8-bit"):
        maps = normalised_difference(plus, minus, (19, 31), kind)
        assert maps.shape == (2, 19, 31)
        # A constant difference is 1 after normalisation.
        assert torch.allclose(maps, torch.ones_like(maps), atol=1e-3)
        # The first of three columns of cells reaches up to pixel 10.
        maps = normalised_difference(plus, minus, (19, 31), kind, territory)
        assert torch.allclose(maps[:, :, :10], torch.ones_like(maps[:, :, :10]), atol=1e-3)
        assert (maps[:, :, 11:] == 0).all()


def test_pixels_beyond_black_and_white_are_no_difference() -> None:
    maps = normalised_difference(torch.full((1, 3, 16, 16), 1.0), torch.full((1, 3, 16, 16), 1.5), (16, 16))
    assert (maps == 0).all()


# Pairs of passes


def test_pairs_by_hand() -> None:
    maps = np.array([[[3, 9], [9, 9]], [[3, 3], [3, 3]], [[9, 0], [3, 0]]])
    # The frame in the middle has one label: nothing is left to find out.
    assert pairs_of(maps) == [Pair(3, (0,)), Pair(9, (0,)), Pair(0, (2,)), Pair(3, (2,)), Pair(9, (2,))]
    assert pairs_of(maps[1:2]) == []


class SmallGpu:
    """Stands for a backbone: fails above a number of passes, and answers with what each pass was asked for."""

    name = "small"

    def __init__(self, most: int) -> None:
        self.most = most
        self.calls: list[int] = []

    def denoise_modulated(
        self, plain: Any, frames: torch.Tensor, masks: torch.Tensor, strengths: torch.Tensor, modulation: Modulation
    ) -> torch.Tensor:
        assert len(frames) == len(masks) == len(strengths)
        self.calls.append(len(frames))
        if len(frames) > self.most:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return torch.stack([frames.float(), masks.sum((1, 2)).float(), strengths], 1)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents


def all_images(backbone: SmallGpu, maps: NDArray[np.int64], at_once: int) -> tuple[list[Pair], list, list]:
    pairs, plus, minus = [], [], []
    settings = Modulation(strength=10)
    plain = PlainPass(Sampling())
    stream = modulated_images(backbone, plain, maps, pairs_of(maps), settings, at_once)  # type: ignore[arg-type]
    for chunk, bright, dark in stream:
        pairs += chunk
        plus += bright.tolist()
        minus += dark.tolist()
    return pairs, plus, minus


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_each_pass_gets_its_frame_mask_and_sign(at_once: int) -> None:
    maps = np.array([[[3, 9], [9, 9]], [[3, 3], [3, 3]], [[9, 0], [3, 0]]])
    pairs, plus, minus = all_images(SmallGpu(1000), maps, at_once)
    assert pairs == [Pair(3, (0,)), Pair(9, (0,)), Pair(0, (2,)), Pair(3, (2,)), Pair(9, (2,))]
    assert plus == [[0, 1, 10], [0, 3, 10], [2, 2, 10], [2, 1, 10], [2, 1, 10]]
    assert minus == [[0, 1, -10], [0, 3, -10], [2, 2, -10], [2, 1, -10], [2, 1, -10]]


def test_where_memory_runs_out_fewer_passes_run_at_once() -> None:
    maps = np.array([[[3, 9], [9, 9]], [[9, 0], [3, 0]]])
    backbone = SmallGpu(4)
    results = all_images(backbone, maps, 5)
    assert results == all_images(SmallGpu(1000), maps, 5)
    # 5 pairs are 10 passes, 3 are 6, 2 are 4; then it stays at 2.
    assert backbone.calls == [10, 6, 4, 4, 2]
    with pytest.raises(torch.cuda.OutOfMemoryError):
        all_images(SmallGpu(1), maps, 5)
