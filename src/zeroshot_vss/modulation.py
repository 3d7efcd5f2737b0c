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
    """One +lambda and one -lambda pass: a label in a frame of the plain pass, or in all frames of a coupled one."""

    label: int
    frames: tuple[int, ...]


def pairs_of(maps: NDArray[np.integer], coupled: bool = False) -> list[Pair]:
    """The pairs that [n, h, w] coarse maps need, by label, then frame.

    A label without a cell in a frame has no difference there; a frame of one label needs no pass at all.
    """
    present = [np.unique(m).tolist() for m in maps]
    needed = [(label, frame) for frame, labels in enumerate(present) if len(labels) > 1 for label in labels]
    if coupled:
        return [Pair(label, tuple(range(len(maps)))) for label in sorted({label for label, _ in needed})]
    return [Pair(label, (frame,)) for label, frame in sorted(needed)]


def pairs_within(plain: PlainPass, pairs: list[Pair], budget: float) -> int:
    """How many pairs may be modulated in one call for their memory to stay within `budget` GiB.

    A pass carries a copy of the recorded tensors of its frames; its own activations are of the same order.
    """
    steps = [sum(t.nbytes for t in kept.values()) for kept in plain.injected.values()]
    recorded = _bytes(plain.prefix) + max(steps, default=0)
    each = 3 * recorded * max((len(pair.frames) for pair in pairs), default=1) / plain.frames
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
        Some pairs, I+ and I- [m, 3, H', W'] about [-1, 1] at the network's size; the frames of the first pair, then
        those of the second, ...
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
    places = places_of(pairs)
    frames = torch.tensor([place.frame for place in places])
    masks = torch.from_numpy(np.stack([maps[place.frame] == place.label for place in places]))
    strengths = torch.full((len(places),), modulation.strength)
    latents = backbone.denoise_modulated(
        plain, frames.repeat(2), masks.repeat(2, 1, 1), torch.cat([strengths, -strengths]), modulation
    )
    plus, minus = backbone.decode(latents).split(len(places))
    return plus, minus


class Place(NamedTuple):
    """A label in a frame: one image of a pair."""

    label: int
    frame: int


def places_of(pairs: list[Pair]) -> list[Place]:
    """The images of some pairs, in the order in which they are decoded."""
    return [Place(pair.label, frame) for pair in pairs for frame in pair.frames]


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


def _split(places: list[Place], maps: NDArray[np.integer], size: int) -> Iterator[list[int]]:
    """Indices of places of one label, at most `size` together, in order; only where the frame has the label."""
    found = (i for i, place in enumerate(places) if (maps[place.frame] == place.label).any())
    for _, group in groupby(found, key=lambda i: places[i].label):
        indices = list(group)
        yield from (indices[i : i + size] for i in range(0, len(indices), size))


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
    pairs = pairs_of(maps, backbone.coupled)
    at_once = pairs_within(plain, pairs, budget)
    for chunk, plus, minus in modulated_images(backbone, plain, maps, pairs, settings.modulation, at_once):
        places = places_of(chunk)
        for part in _split(places, maps, max(PIXELS_AT_ONCE // (size[0] * size[1]), 1)):
            frames = [places[i].frame for i in part]
            masks = maps[frames] == places[part[0]].label
            found = difference_maps(plus[part], minus[part], masks, size, settings)
            best.update(places[part[0]].label, torch.tensor(frames, device=device), found)
    return best.labels.cpu().numpy()
