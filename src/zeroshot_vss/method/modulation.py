"""Masked modulation (section 4.3): from coarse maps to label maps at full resolution."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import Backbone, PlainPass
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.machine.memory import Fitting
from zeroshot_vss.method import difference
from zeroshot_vss.method.shortcuts import decode_regions, group_apart, territories
from zeroshot_vss.settings.upsampling import Modulation, Upsampling

GIB = 2**30
PIXELS_AT_ONCE = 2**22
"""Pixels of the difference maps that are made in one go, so that large frames stay within memory."""


class Pair(NamedTuple):
    """One +lambda and one -lambda pass: a label in a frame of the plain pass, or in all frames of a coupled one."""

    label: int
    frames: tuple[int, ...]
    others: tuple[int, ...] = ()
    """Labels far from the first that are modulated in the same pass."""

    @property
    def labels(self) -> tuple[int, ...]:
        """All labels of the pass."""
        return self.label, *self.others


def pairs_of(maps: NDArray[np.integer], coupled: bool = False) -> list[Pair]:
    """The pairs that [n, h, w] coarse maps need, by label, then frame.

    A label without a cell in a frame has no difference there; a frame of one label needs no pass at all.
    """
    present = [np.unique(m).tolist() for m in maps]
    needed = [(label, frame) for frame, labels in enumerate(present) if len(labels) > 1 for label in labels]
    if coupled:
        return [Pair(label, tuple(range(len(maps)))) for label in sorted({label for label, _ in needed})]
    return [Pair(label, (frame,)) for label, frame in sorted(needed)]


def packed(pairs: list[Pair], maps: NDArray[np.integer], apart: float) -> list[Pair]:
    """Pairs of the same frames put together where their masks lie at least `apart` cells from each other."""
    labels: dict[tuple[int, ...], list[int]] = {}
    for pair in pairs:
        labels.setdefault(pair.frames, []).append(pair.label)
    return [
        Pair(first, frames, tuple(others))
        for frames, found in labels.items()
        for first, *others in group_apart(maps[list(frames)], found, apart)
    ]


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


Decode = Callable[[Tensor, NDArray[np.bool_]], tuple[Tensor, Tensor]]
"""From final latents [2 n, c, h, w] (with +lambda, then with -lambda) and masks [n, h', w'] to I+ and I-."""


def whole_frames(decode: Callable[[Tensor], Tensor]) -> Decode:
    """Pairs of latents decoded as they are, all in one call."""

    def both(latents: Tensor, masks: NDArray[np.bool_]) -> tuple[Tensor, Tensor]:
        plus, minus = decode(latents).split(len(masks))
        return plus, minus

    return both


def decoder_of(backbone: Backbone, settings: Upsampling) -> Decode:
    """How the latents of pairs become images: whole frames by the VAE, or with the settings' shortcuts."""
    decode = partial(backbone.decode, tiny=True) if settings.decoder == "tiny" else backbone.decode
    if settings.halo is None:
        return whole_frames(decode)
    halo = settings.halo
    return lambda latents, masks: decode_regions(decode, latents, masks, halo)


def modulated_images(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    pairs: list[Pair],
    modulation: Modulation,
    pairs_at_once: int,
    decode: Decode | None = None,
    fitting: Fitting | None = None,
) -> Iterator[tuple[list[Pair], Tensor, Tensor]]:
    """Decoded images of the passes with +lambda and with -lambda.

    On a GPU that runs out of memory the number of pairs a call is halved, and stays so as long as `fitting` is the
    same. Whole frames are decoded by the backbone's VAE unless `decode` does it otherwise.

    Yields:
        Some pairs, I+ and I- [m, 3, H', W'] about [-1, 1] at the network's size; the frames of the first pair, then
        those of the second, ...
    """
    decode = decode or whole_frames(backbone.decode)

    def images(some: slice) -> tuple[list[Pair], Tensor, Tensor]:
        return (pairs[some], *_decode_pairs(backbone, plain, maps, pairs[some], modulation, decode))

    yield from (fitting or Fitting()).parts(len(pairs), images, pairs_at_once)


def _decode_pairs(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    pairs: list[Pair],
    modulation: Modulation,
    decode: Decode,
) -> tuple[Tensor, Tensor]:
    images = [(pair, frame) for pair in pairs for frame in pair.frames]
    frames = torch.tensor([frame for _, frame in images])
    masks = np.stack([np.isin(maps[frame], pair.labels) for pair, frame in images])
    strengths = torch.full((len(images),), modulation.strength)
    latents = backbone.denoise_modulated(
        plain,
        frames.repeat(2),
        torch.from_numpy(masks).repeat(2, 1, 1),
        torch.cat([strengths, -strengths]),
        modulation,
    )
    origins = [plain.origins[frame] for _, frame in images] if plain.origins else ()
    check_finite(latents, "a modulated pass", backbone.name, [*origins, *origins])
    plus, minus = decode(latents, masks)
    for decoded in (plus, minus):
        check_finite(decoded, "decoding", backbone.name, origins)
    return plus, minus


class Place(NamedTuple):
    """A label in a frame: one image of a pair."""

    label: int
    frame: int


def places_of(pairs: list[Pair]) -> list[Place]:
    """The images of some pairs, in the order in which they are decoded; each pair has one label."""
    return [Place(pair.label, frame) for pair in pairs for frame in pair.frames]


class Offer(NamedTuple):
    """A label's difference map in a frame, to be made from one of the decoded images."""

    label: int
    frame: int
    image: int
    territory: NDArray[np.bool_] | None
    """[h, w] cells that count; None for all of them. Where a pass holds several labels, those nearest to this one."""


def offers_of(pairs: list[Pair], maps: NDArray[np.integer]) -> list[Offer]:
    """What the images of some pairs offer, by label; labels that their frame does not have offer nothing."""
    found = []
    images = [(pair, frame) for pair in pairs for frame in pair.frames]
    for image, (pair, frame) in enumerate(images):
        masks = np.stack([maps[frame] == label for label in pair.labels])
        whose = territories(masks) if pair.others else [None]
        offers = zip(pair.labels, masks, whose, strict=True)
        found += [Offer(label, frame, image, territory) for label, mask, territory in offers if mask.any()]
    return sorted(found, key=lambda offer: offer.label)


def difference_maps(
    plus: Tensor,
    minus: Tensor,
    masks: NDArray[np.bool_],
    size: tuple[int, int],
    settings: Upsampling,
    territory: NDArray[np.bool_] | None = None,
) -> Tensor:
    """Normalised, filtered difference maps [n, H, W] at the frames' own size.

    Args:
        plus, minus: [n, 3, H', W'] decoded images, about [-1, 1].
        masks: [n, h, w] coarse masks.
        size: H, W; the images are clamped and resized (bilinear) before they are compared.
        territory: [n, h, w] cells outside of which the maps are zero; all cells count where None.
    """
    inside = 1.0 if territory is None else _nearest(territory, size, plus.device)
    if settings.difference == "float":
        compared = (_resize(images.clamp(-1, 1), size) for images in (plus, minus))
        maps = difference.normalise(difference.blur(difference.colour_difference(*compared)) * inside)
    else:
        stored = (difference.resize_8_bit(difference.to_8_bit(images), size) for images in (plus, minus))
        blurred = difference.blur(difference.wrapped_difference(*stored))
        maps = difference.normalise_stored(difference.store_8_bit(blurred) * inside)
    if settings.filter is None:
        return maps
    resized = difference.resize_masks(torch.from_numpy(masks).to(maps.device), size)
    return difference.filter_maps(maps, resized, settings.filter)


def _resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    if images.shape[-2:] == size:
        return images
    return F.interpolate(images, size, mode="bilinear", align_corners=False)


def _nearest(cells: NDArray[np.bool_], size: tuple[int, int], device: torch.device) -> Tensor:
    """[n, h, w] cells to [n, H, W] of 0 and 1."""
    return F.interpolate(torch.from_numpy(cells)[:, None].float().to(device), size, mode="nearest-exact")[:, 0]


def _split(offers: list[Offer], size: int) -> Iterator[list[Offer]]:
    """Offers of one label, at most `size` together, in order."""
    for _, group in groupby(offers, key=lambda offer: offer.label):
        some = list(group)
        yield from (some[i : i + size] for i in range(0, len(some), size))


def label_maps(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    size: tuple[int, int],
    settings: Upsampling,
    budget: float,
    fitting: Fitting | None = None,
) -> NDArray[np.int16]:
    """Full-resolution labels [n, H, W] of the frames of a plain pass: the argmax over the labels' difference maps.

    Args:
        backbone: the model that made `plain`.
        plain: unmodulated pass of n frames, with `settings.modulation` recorded.
        maps: [n, h, w] refined coarse maps.
        size: H, W of the frames.
        settings: see :class:`Upsampling`.
        budget: GiB that the modulated passes of one call may take.
        fitting: what was found to fit where it does not.
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
    if settings.modulation.apart is not None:
        pairs = packed(pairs, maps, settings.modulation.apart)
    at_once = pairs_within(plain, pairs, budget)
    decode = decoder_of(backbone, settings)
    stream = modulated_images(backbone, plain, maps, pairs, settings.modulation, at_once, decode, fitting)
    for chunk, plus, minus in stream:
        for part in _split(offers_of(chunk, maps), max(PIXELS_AT_ONCE // (size[0] * size[1]), 1)):
            label, frames, images = part[0].label, [o.frame for o in part], [o.image for o in part]
            borders = [np.ones_like(maps[o.frame], bool) if o.territory is None else o.territory for o in part]
            territory = None if all(o.territory is None for o in part) else np.stack(borders)
            found = difference_maps(plus[images], minus[images], maps[frames] == label, size, settings, territory)
            best.update(label, torch.tensor(frames, device=device), found)
    return best.labels.cpu().numpy()
