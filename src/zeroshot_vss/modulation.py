"""Masked modulation (section 4.3): from coarse maps to label maps at full resolution."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss import difference
from zeroshot_vss.backbones.base import Backbone, PlainPass
from zeroshot_vss.settings import Modulation, Upsampling

GIB = 2**30
PIXELS_AT_ONCE = 2**22
"""Pixels of the difference maps that are made in one go, so that large frames stay within memory."""


class Pair(NamedTuple):
    """One +lambda and one -lambda pass: a label in a frame of the plain pass."""

    label: int
    frame: int


def pairs_of(maps: NDArray[np.integer]) -> list[Pair]:
    """The pairs that [n, h, w] coarse maps need, by label, then frame.

    A label without a cell in a frame has no difference there; a frame of one label needs no pass at all.
    """
    present = [np.unique(m).tolist() for m in maps]
    return sorted(Pair(label, frame) for frame, labels in enumerate(present) if len(labels) > 1 for label in labels)


def passes_within(plain: PlainPass, budget: float) -> int:
    """How many pairs may be modulated in one call for their memory to stay within `budget` GiB.

    A pass carries a copy of the recorded tensors of its frame; its own activations are of the same order.
    """
    rows = plain.parts * len(next(iter(plain.states.values())))
    steps = [sum(t.nbytes for t in kept.values()) for kept in plain.injected.values()]
    recorded = _bytes(plain.prefix) + max(steps, default=0)
    each = 3 * plain.parts * recorded / rows
    return max(int(budget * GIB / max(each, 1)) // 2, 1)


def _bytes(output: object) -> int:
    if isinstance(output, Tensor):
        return output.nbytes
    if isinstance(output, dict):
        output = tuple(output.values())
    return sum(_bytes(part) for part in output) if isinstance(output, tuple) else 0


def modulated_images(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    pairs: list[Pair],
    modulation: Modulation,
    pairs_at_once: int,
) -> Iterator[tuple[list[Pair], Tensor, Tensor]]:
    """Decoded images of the passes with +lambda and with -lambda.

    On a GPU that runs out of memory the number of pairs a call is halved, and stays so.

    Yields:
        Some pairs, I+ and I- [m, 3, H', W'] about [-1, 1] at the network's size.
    """
    done = 0
    while done < len(pairs):
        chunk = pairs[done : done + pairs_at_once]
        try:
            yield chunk, *_decode_pair(backbone, plain, maps, chunk, modulation)
        except torch.cuda.OutOfMemoryError:
            if pairs_at_once == 1:
                raise
            torch.cuda.empty_cache()
            pairs_at_once = (pairs_at_once + 1) // 2
            continue
        done += len(chunk)


def _decode_pair(
    backbone: Backbone, plain: PlainPass, maps: NDArray[np.integer], pairs: list[Pair], modulation: Modulation
) -> tuple[Tensor, Tensor]:
    frames = torch.tensor([pair.frame for pair in pairs])
    masks = torch.from_numpy(np.stack([maps[pair.frame] == pair.label for pair in pairs]))
    strengths = torch.full((len(pairs),), modulation.strength)
    latents = backbone.denoise_modulated(
        plain, frames.repeat(2), masks.repeat(2, 1, 1), torch.cat([strengths, -strengths]), modulation
    )
    plus, minus = backbone.decode(latents).split(len(pairs))
    return plus, minus


def difference_maps(
    plus: Tensor, minus: Tensor, masks: NDArray[np.bool_], size: tuple[int, int], settings: Upsampling
) -> Tensor:
    """Normalised, filtered difference maps [n, H, W] at the frames' own size.

    Args:
        plus, minus: [n, 3, H', W'] decoded images, about [-1, 1].
        masks: [n, h, w] coarse masks.
        size: H, W; the images are clamped and resized (bilinear) before they are compared.
    """
    if settings.difference == "float":
        compared = (_resize(images.clamp(-1, 1), size) for images in (plus, minus))
        maps = difference.normalise(difference.blur(difference.colour_difference(*compared)))
    else:
        stored = (difference.resize_8_bit(difference.to_8_bit(images), size) for images in (plus, minus))
        blurred = difference.blur(difference.wrapped_difference(*stored))
        maps = difference.normalise_stored(difference.store_8_bit(blurred))
    if settings.filter is None:
        return maps
    resized = torch.from_numpy(difference.resize_masks(masks.astype(np.uint8), size)).to(maps.device)
    return difference.filter_maps(maps, resized, settings.filter)


def _resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False)


def _split(pairs: list[Pair], size: int) -> Iterator[list[int]]:
    """Places of pairs of one label, at most `size` together, in order."""
    for _, group in groupby(range(len(pairs)), key=lambda i: pairs[i].label):
        places = list(group)
        yield from (places[i : i + size] for i in range(0, len(places), size))


def label_maps(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    size: tuple[int, int],
    settings: Upsampling,
    budget: float,
) -> NDArray[np.int16]:
    """Full-resolution labels [n, H, W] of the frames of a plain pass: the argmax over the labels' difference maps.

    Args:
        backbone: the model that made `plain`.
        plain: unmodulated pass of n frames, with `settings.modulation` recorded.
        maps: [n, h, w] refined coarse maps.
        size: H, W of the frames.
        settings: see :class:`Upsampling`.
        budget: GiB that the modulated passes of one call may take.
    """
    assert settings.modulation is not None
    wrapped = settings.difference != "float"
    device = plain.states[settings.modulation.step].device
    best = difference.RunningArgmax(
        len(maps), *size, nothing=0, device=device, dtype=torch.float64 if wrapped else torch.float32
    )
    for frame, coarse in enumerate(maps):
        best.labels[frame] = int(coarse.flat[0])
    at_once = passes_within(plain, budget)
    for chunk, plus, minus in modulated_images(backbone, plain, maps, pairs_of(maps), settings.modulation, at_once):
        for part in _split(chunk, max(PIXELS_AT_ONCE // (size[0] * size[1]), 1)):
            masks = np.stack([maps[chunk[i].frame] == chunk[i].label for i in part])
            found = difference_maps(plus[part], minus[part], masks, size, settings)
            frames = torch.tensor([chunk[i].frame for i in part], device=device)
            best.update(chunk[part[0]].label, frames, found)
    return best.labels.cpu().numpy()
