"""Which modulated passes coarse maps need, and which label's difference each of their images shows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import PlainPass
from zeroshot_vss.machine.compute import GIB
from zeroshot_vss.method.shortcuts import group_apart, territories


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
    """The pairs that [n, h, w] coarse maps need, by frame, then label: those of a frame share its attention weights.

    A label without a cell in a frame has no difference there; a frame of one label needs no pass at all.
    """
    present = [np.unique(m).tolist() for m in maps]
    needed = [(label, frame) for frame, labels in enumerate(present) if len(labels) > 1 for label in labels]
    if coupled:
        return [Pair(label, tuple(range(len(maps)))) for label in sorted({label for label, _ in needed})]
    return [Pair(label, (frame,)) for label, frame in needed]


def packed(pairs: list[Pair], maps: NDArray[np.integer], apart: float) -> list[Pair]:
    """Pairs of the same frames put together where their masks lie at least `apart` cells from each other."""
    labels: dict[tuple[int, ...], list[int]] = {}
    for pair in pairs:
        labels.setdefault(pair.frames, []).append(pair.label)
    return [
        Pair(first, frames, tuple(others))
        for frames, present in labels.items()
        for first, *others in group_apart(maps[list(frames)], present, apart)
    ]


class Segment(NamedTuple):
    """A label's mask in a frame, and the image of a pair that shows its difference."""

    label: int
    frame: int
    image: int
    """Place among the images of the pairs: the frames of the first pair, then those of the second, ..."""
    territory: NDArray[np.bool_] | None = None
    """[h, w] cells that count; None for all of them. Where a pass holds several labels, those nearest to this one."""


def segments_of(pairs: list[Pair], maps: NDArray[np.integer]) -> list[Segment]:
    """The segments that the images of some pairs show, by label, then as they stand.

    Labels that their frame does not have are none, nor is the only label of a frame.
    """
    segments = []
    images = [(pair, frame) for pair in pairs for frame in pair.frames]
    for image, (pair, frame) in enumerate(images):
        masks = np.stack([maps[frame] == label for label in pair.labels])
        nearest = territories(masks) if pair.others else [None]
        shown = zip(pair.labels, masks, nearest, strict=True)
        segments += [
            Segment(label, frame, image, near) for label, mask, near in shown if mask.any() and not mask.all()
        ]
    return sorted(segments, key=lambda segment: segment.label)


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
