"""Difference maps of modulated pairs and their argmax (section 4.3, equation 7)."""

from __future__ import annotations

import io
from functools import cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from zeroshot_vss.settings.upsampling import Arithmetic


def colour_difference(plus: Tensor, minus: Tensor) -> Tensor:
    """L2 norm over colour of I+ - I-: [n, 3, H, W] twice to [n, H, W]. Any common scale of the images will do."""
    return (plus - minus).square().sum(1).sqrt()


def to_8_bit(images: Tensor) -> Tensor:
    """Images in about [-1, 1] to uint8, clamped, then truncated (not rounded) as the released code does."""
    return (((images + 1) / 2).clamp(0, 1) * 255).to(torch.uint8)


def resize_8_bit(images: Tensor, size: tuple[int, int]) -> Tensor:
    """[n, 3, h, w] uint8 to [n, 3, H, W], bilinear in OpenCV's fixed-point arithmetic."""
    if images.shape[-2:] == size:
        return images
    pictures = images.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    resized = np.stack([cv2.resize(picture, (size[1], size[0])) for picture in pictures])
    return torch.from_numpy(resized).permute(0, 3, 1, 2).to(images.device)


def wrapped_difference(plus: Tensor, minus: Tensor) -> Tensor:
    """The released code's difference of 8-bit images: subtraction and squaring wrap modulo 256.

    [n, 3, H, W] uint8 twice to [n, H, W] float32.
    """
    wrapped = plus - minus
    return (wrapped * wrapped).float().sum(1).sqrt()


def blur(maps: Tensor, size: int = 5, sigma: float = 3.0) -> Tensor:
    """Gaussian blur of [n, H, W] with reflected borders."""
    x = torch.arange(size, dtype=torch.float32, device=maps.device) - (size - 1) / 2
    weights = torch.exp(-(x**2) / (2 * sigma**2))
    weights = weights / weights.sum()
    padded = F.pad(maps[:, None], (size // 2,) * 4, mode="reflect")
    across = F.conv2d(padded, weights.view(1, 1, 1, -1))
    return F.conv2d(across, weights.view(1, 1, -1, 1))[:, 0]


def normalise(maps: Tensor) -> Tensor:
    """Each of [n, H, W] divided by its maximum; a map of zeros stays zero."""
    largest = maps.amax((1, 2), keepdim=True)
    return maps / torch.where(largest > 0, largest, torch.ones_like(largest))


def store_8_bit(maps: Tensor) -> Tensor:
    """What the released code keeps of [n, H, W] blurred maps: truncated to 8 bits, through a JPEG of quality 75."""
    return torch.from_numpy(np.stack([_through_jpeg(m) for m in maps.to(torch.uint8).cpu().numpy()])).to(maps.device)


def _through_jpeg(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=75)
    return np.asarray(Image.open(file))


def normalise_stored(maps: Tensor) -> Tensor:
    """The released code's normalisation of 8-bit maps: by the maximum + 1e-5 in double precision.

    The small number decides the many ties between 8-bit maps of different maxima.
    """
    maps = maps.double()
    return maps / (maps.amax((1, 2), keepdim=True) + 1e-5)


LANCZOS_BITS = 22
"""Fraction bits of the weights with which Pillow resizes 8-bit images."""


@cache
def _lanczos(before: int, after: int) -> NDArray[np.float64]:
    """Those weights [after, before], whole numbers, as Pillow itself gives them for rows with a single one."""
    ones = Image.fromarray(np.eye(before, dtype=np.int32) << LANCZOS_BITS)
    return np.asarray(ones.resize((after, before), Image.Resampling.LANCZOS)).T.astype(np.float64)


def resize_masks(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """0/1 masks [n, h, w] to [n, H, W] float64 in 0..1, by Lanczos on 8 bits, on the masks' device.

    The bytes are Pillow's where no side shrinks (else the order of its passes varies): its fixed-point arithmetic in
    doubles, which hold all sums exactly. Double precision decides ties, too.
    """

    def rounded(sums: Tensor) -> Tensor:
        return sums.mul_(0.5**LANCZOS_BITS).add_(0.5).floor_().clamp_(0, 255)

    (h, w), (height, width) = masks.shape[-2:], size
    down, across = (torch.from_numpy(_lanczos(*sides)).to(masks.device) for sides in ((h, height), (w, width)))
    return rounded(down @ rounded(masks.double() * 255 @ across.T)).div_(255)


def filter_maps(maps: Tensor, masks: Tensor, s: float) -> Tensor:
    """Equation 7: D M + s D (1 - M) for [n, H, W] maps and masks."""
    masks = masks.to(maps.dtype)
    return maps * masks + s * maps * (1 - masks)


def normalised_difference(
    plus: Tensor,
    minus: Tensor,
    size: tuple[int, int],
    arithmetic: Arithmetic = "float",
    territory: NDArray[np.bool_] | None = None,
) -> Tensor:
    """Blurred and normalised difference maps D [n, H, W], 0..1, at the frames' own size.

    Args:
        plus, minus: I+ and I- [n, 3, H', W'], about [-1, 1].
        size: H, W; the images are clamped and resized (bilinear) before they are compared.
        arithmetic: of images and differences, see `settings.upsampling.MethodUpsampling.difference`.
        territory: [n, h, w] cells outside of which the maps are zero; all cells count where None.
    """
    inside = 1.0 if territory is None else _nearest(territory, size, plus.device)
    if arithmetic == "wrapped-8-bit":
        stored = (resize_8_bit(to_8_bit(images), size) for images in (plus, minus))
        return normalise_stored(store_8_bit(blur(wrapped_difference(*stored))) * inside)
    compared = (_bilinear(images.clamp(-1, 1), size) for images in (plus, minus))
    distance = colour_difference(*compared)
    return normalise(blur(distance.square() if arithmetic == "squared" else distance) * inside)


def _bilinear(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False)


def _nearest(cells: NDArray[np.bool_], size: tuple[int, int], device: torch.device) -> Tensor:
    """[n, h, w] cells to [n, H, W] of 0 and 1."""
    return F.interpolate(torch.from_numpy(cells)[:, None].float().to(device), size, mode="nearest-exact")[:, 0]


class RunningArgmax:
    """The label with the largest map so far, a label at a time, so that memory does not grow with labels.

    Args:
        count, height, width: frames and their size.
        nothing: label of pixels that no map reaches.
    """

    def __init__(
        self, count: int, height: int, width: int, nothing: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.best = torch.full((count, height, width), -torch.inf, dtype=dtype, device=device)
        self.labels = torch.full((count, height, width), nothing, dtype=torch.int16, device=device)

    def update(self, label: int, frames: Tensor, maps: Tensor) -> None:
        """Take in [m, H, W] maps of `label` for `frames` [m], each frame once. Ties go to the smallest label."""
        best, labels = self.best[frames], self.labels[frames]
        better = (maps > best) | ((maps == best) & (label < labels))
        self.best[frames] = torch.where(better, maps, best)
        self.labels[frames] = torch.where(better, torch.full_like(labels, label), labels)
