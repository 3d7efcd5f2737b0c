"""Shortcuts of masked modulation (fast mode): fewer passes, and less to decode. Each changes results a little."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from torch import Tensor

SIDES = 8
"""Sides of decoded regions are multiples of so many latent cells, so that many masks share a size and a call."""


def distances(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance in cells from each cell of [n, h, w] masks to the nearest cell of the mask; inf where it is empty."""
    away = [np.asarray(distance_transform_edt(~m)) if m.any() else np.full(m.shape, np.inf) for m in masks]
    return np.stack(away)


def group_apart(maps: NDArray[np.integer], labels: Sequence[int], apart: float) -> list[tuple[int, ...]]:
    """Labels in as few groups as a greedy choice finds, the masks of each group at least `apart` cells from another.

    Args:
        maps: [n, h, w] coarse maps; masks must be apart in each of these frames.
        labels: in the order in which they are placed.
        apart: between the centres of two cells.
    """
    masks = {label: maps == label for label in labels}
    away = {label: distances(mask) for label, mask in masks.items()}
    groups: list[list[int]] = []
    for label in labels:
        candidates = (
            group
            for group in groups
            if all(away[other][masks[label]].min(initial=np.inf) >= apart for other in group)
        )
        group = next(candidates, None)
        if group is None:
            groups.append([label])
        else:
            group.append(label)
    return [tuple(group) for group in groups]


def territories(masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """For [n, h, w] masks the cells that are nearest to each, [n, h, w]; equally near cells go to the first mask."""
    nearest = distances(masks).argmin(0)
    return nearest == np.arange(len(masks))[:, None, None]


def regions(masks: NDArray[np.bool_], size: tuple[int, int], halo: int) -> list[tuple[slice, slice]]:
    """The rows and columns of latents of a size that hold each of [n, h, w] masks with a halo around it.

    Sides are rounded up to multiples of :data:`SIDES`, as far as the latents reach. An empty mask has the smallest.
    """
    boxes = []
    for mask in masks:
        slices = []
        for axis, side in enumerate(size):
            used = np.flatnonzero(mask.any(1 - axis))
            scale = side / mask.shape[axis]
            first = int(used[0] * scale) - halo if used.size else 0
            last = int(np.ceil((used[-1] + 1) * scale)) + halo if used.size else 1
            first, last = max(first, 0), min(last, side)
            length = min(-(-(last - first) // SIDES) * SIDES, side)
            first = min(first, side - length)
            slices.append(slice(first, first + length))
        boxes.append((slices[0], slices[1]))
    return boxes


def decode_regions(
    decode: Callable[[Tensor], Tensor], latents: Tensor, masks: NDArray[np.bool_], halo: int
) -> tuple[Tensor, Tensor]:
    """Images of pairs of latents, decoded in the region of their mask alone; zeros elsewhere.

    Args:
        decode: from latents [n, c, h, w] to images [n, 3, f h, f w].
        latents: [2 n, c, h, w]: with +lambda, then with -lambda.
        masks: [n, h', w'].
        halo: latent cells around a mask that are decoded, too.

    Returns:
        Images with +lambda and with -lambda, [n, 3, H, W].
    """
    count, size = len(masks), (latents.shape[-2], latents.shape[-1])
    same: defaultdict[tuple[int, int], list[tuple[int, slice, slice]]] = defaultdict(list)
    for index, (rows, columns) in enumerate(regions(masks, size, halo)):
        same[rows.stop - rows.start, columns.stop - columns.start].append((index, rows, columns))
    images: Tensor | None = None
    for places in same.values():
        crops = [latents[i + sign * count, :, rows, columns] for sign in (0, 1) for i, rows, columns in places]
        decoded = decode(torch.stack(crops))
        factor = decoded.shape[-2] // crops[0].shape[-2]
        if images is None:
            images = decoded.new_zeros(2 * count, decoded.shape[1], size[0] * factor, size[1] * factor)
        for number, picture in enumerate(decoded):
            sign, place = divmod(number, len(places))
            i, rows, columns = places[place]
            images[
                i + sign * count, :, rows.start * factor : rows.stop * factor,
                columns.start * factor : columns.stop * factor,
            ] = picture  # fmt: skip
    assert images is not None
    plus, minus = images.split(count)
    return plus, minus
