"""Masked modulation (section 4.3): from coarse maps to label maps at full resolution."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cache, partial
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import Backbone, PlainPass
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.method import difference
from zeroshot_vss.method.guided import guided_filter
from zeroshot_vss.method.pairs import Pair, Segment, packed, pairs_of, pairs_within, segments_of
from zeroshot_vss.method.shortcuts import decode_regions
from zeroshot_vss.settings.upsampling import Modulation, Upsampling

PIXELS_AT_ONCE = 2**22
"""Pixels of the difference maps that are made in one go, so that large frames stay within memory."""

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
    batches: AdaptiveBatches | None = None,
) -> Iterator[tuple[list[Pair], Tensor, Tensor]]:
    """Decoded images of the passes with +lambda and with -lambda.

    On a GPU that runs out of memory the number of pairs a call is halved, and stays so as long as `batches` is the
    same. Whole frames are decoded by the backbone's VAE unless `decode` does it otherwise.

    Yields:
        Some pairs, I+ and I- [m, 3, H', W'] about [-1, 1] at the network's size; the frames of the first pair, then
        those of the second, ...
    """
    decode = decode or whole_frames(backbone.decode)

    def images(some: slice) -> tuple[list[Pair], Tensor, Tensor]:
        return (pairs[some], *_decode_pairs(backbone, plain, maps, pairs[some], modulation, decode))

    yield from (batches or AdaptiveBatches()).parts(len(pairs), images, pairs_at_once)


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


class Differences(NamedTuple):
    """Difference maps of one label in some frames, at the frames' own size."""

    label: int
    frames: list[int]
    """m places in the plain pass."""
    maps: Tensor
    """D [m, H, W], normalised; then through the guided filter where one is set, beyond the paper."""
    filtered: Tensor
    """D~ [m, H, W], equation 7; D where there is no filter."""


def difference_maps(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    size: tuple[int, int],
    settings: Upsampling,
    budget: float,
    batches: AdaptiveBatches | None = None,
    frames: Collection[int] | None = None,
    guides: NDArray[np.uint8] | None = None,
) -> Iterator[Differences]:
    """All difference maps that coarse maps lead to, a label at a time and so many frames as memory holds.

    Args:
        backbone: the model that made `plain`.
        plain: unmodulated pass of n frames, with `settings.modulation` recorded.
        maps: [n, h, w] refined coarse maps.
        size: H, W of the frames.
        settings: see :class:`Upsampling`; its shortcuts hold.
        budget: GiB that the modulated passes of one call may take.
        batches: what was found to fit where `budget` does not.
        frames: places in the plain pass whose maps are wanted; all by default. Frames of video models are modulated
            together all the same.
        guides: [n, H, W, 3] the frames; used with `settings.guided` alone, which needs them.
    """
    assert settings.modulation is not None
    smooth = _guided(settings, guides, (maps.shape[1], maps.shape[2]))
    pairs = pairs_of(maps, backbone.coupled)
    if settings.modulation.apart is not None:
        pairs = packed(pairs, maps, settings.modulation.apart)
    if frames is not None:
        pairs = [p for p in pairs if any(f in frames and np.isin(maps[f], p.labels).any() for f in p.frames)]
    stream = modulated_images(
        backbone, plain, maps, pairs, settings.modulation, pairs_within(plain, pairs, budget),
        decoder_of(backbone, settings), batches,
    )  # fmt: skip
    for some, plus, minus in stream:
        segments = [s for s in segments_of(some, maps) if frames is None or s.frame in frames]
        for part in _split(segments, max(PIXELS_AT_ONCE // (size[0] * size[1]), 1)):
            images = [segment.image for segment in part]
            unfiltered = difference.normalised_difference(
                plus[images], minus[images], size, settings.difference, _territories(part, maps)
            )
            label, places = part[0].label, [segment.frame for segment in part]
            unfiltered = smooth(unfiltered, places)
            yield Differences(
                label, places, unfiltered, _filtered(unfiltered, maps[places] == label, settings.filter)
            )


def _split(segments: list[Segment], size: int) -> Iterator[list[Segment]]:
    """Segments of one label, at most `size` together, in order."""
    for _, group in groupby(segments, key=lambda segment: segment.label):
        some = list(group)
        yield from (some[i : i + size] for i in range(0, len(some), size))


def _territories(segments: list[Segment], maps: NDArray[np.integer]) -> NDArray[np.bool_] | None:
    """[m, h, w] cells that count for each segment; None where all do for all."""
    if all(segment.territory is None for segment in segments):
        return None
    return np.stack([np.ones_like(maps[s.frame], bool) if s.territory is None else s.territory for s in segments])


def _filtered(maps: Tensor, masks: NDArray[np.bool_], s: float | None) -> Tensor:
    """Equation 7 with coarse masks [m, h, w], which are resized to the maps."""
    if s is None:
        return maps
    size = maps.shape[1], maps.shape[2]
    return difference.filter_maps(maps, difference.resize_masks(torch.from_numpy(masks).to(maps.device), size), s)


def _guided(
    settings: Upsampling, guides: NDArray[np.uint8] | None, grid: tuple[int, int]
) -> Callable[[Tensor, list[int]], Tensor]:
    """The guided filter of maps [m, H, W] of m frames, by their places in the plain pass; none where none is set."""
    if settings.guided is None:
        return lambda maps, places: maps
    assert guides is not None
    colours, chosen = guides, settings.guided
    of_frame = cache(lambda place: guided_filter(colours[place], grid, chosen))

    def smooth(maps: Tensor, places: list[int]) -> Tensor:
        parts = zip(maps.cpu().numpy(), places, strict=True)
        return torch.from_numpy(np.concatenate([of_frame(place)(one[None]) for one, place in parts])).to(maps)

    return smooth


def label_maps(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.integer],
    size: tuple[int, int],
    settings: Upsampling,
    budget: float,
    batches: AdaptiveBatches | None = None,
    guides: NDArray[np.uint8] | None = None,
) -> NDArray[np.int16]:
    """Full-resolution labels [n, H, W] of the frames of a plain pass: the argmax over the labels' difference maps.

    Args: those of :func:`difference_maps`.
    """
    assert settings.modulation is not None
    device = plain.states[settings.modulation.step].device
    dtype = torch.float64 if settings.difference == "wrapped-8-bit" else torch.float32
    best = difference.RunningArgmax(len(maps), *size, nothing=0, device=device, dtype=dtype)
    for frame, coarse in enumerate(maps):
        best.labels[frame] = int(coarse.flat[0])
    for differences in difference_maps(backbone, plain, maps, size, settings, budget, batches, guides=guides):
        best.update(differences.label, torch.tensor(differences.frames, device=device), differences.filtered)
    return best.labels.cpu().numpy()
