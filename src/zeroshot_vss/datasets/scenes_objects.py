"""The generated clips with their moving objects told apart: video object segmentation with nothing to download."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zeroshot_vss.datasets.base import Clip, Frames, LabelMap
from zeroshot_vss.datasets.objects import MOST_OBJECTS, object_legend
from zeroshot_vss.datasets.options import NamedClips, selects
from zeroshot_vss.datasets.scenes import FIRST_SEEDS, SceneClip, ScenesOptions
from zeroshot_vss.errors import InputError
from zeroshot_vss.scenes import render_objects

TRIES = 10
STRIDE = 100_000
"""Between the seeds that are tried for a clip; those of a split are ten times as many."""


class SceneObjectsOptions(ScenesOptions):
    """Options of the generated clips with objects."""

    count: int = selects(8, ge=1, le=STRIDE)
    """Number of clips."""
    objects: int = Field(default=3, ge=1, le=MOST_OBJECTS)
    """The largest objects of the first frame, this many at most; what else moves is background."""
    smallest: int = Field(default=40, ge=1)
    """Pixels that an object has in the first frame at least."""
    single: bool = False
    """The objects together are one foreground, as in DAVIS 2016."""
    every: int = Field(default=1, ge=1)
    """Only every so many frames, and the last, have masks, as in CLVOS."""


class SceneObjects(NamedClips):
    """Clips `scene-0000`, `scene-0001`, ..., those of `scenes` where these have an object in their first frame.

    Where scene i, of the seed `FIRST_SEEDS[split] + i`, has none, the seeds `STRIDE`, 2 `STRIDE`, ... further on are
    tried, so that which clip a name means does not depend on the clips before it.
    """

    name = "scenes-objects"
    Options = SceneObjectsOptions
    protocol = "davis-2017"

    def __init__(self, options: SceneObjectsOptions) -> None:
        first = FIRST_SEEDS[options.split]
        self._seeds = {f"scene-{index:04d}": first + index for index in range(options.count)}
        self._options = options
        self.legend = object_legend(1 if options.single else options.objects)
        super().__init__(self._seeds, options)

    def _open(self, name: str) -> Clip:
        options = self._options
        for seed in range(self._seeds[name], self._seeds[name] + TRIES * STRIDE, STRIDE):
            if objects := _largest(seed, options.frames, options.smallest)[: options.objects]:
                ids = {number: 1 if options.single else place for place, number in enumerate(objects, 1)}
                return SceneObjectsClip(name, seed, options.frames, ids, options.every)
        raise InputError(
            f"data set 'scenes-objects': none of the {TRIES} seeds of clip {name!r} has an object of "
            f"{options.smallest} pixels in its first frame; set the option `smallest` lower"
        )


class SceneObjectsClip(SceneClip):
    """One generated clip.

    Args:
        name: name of the clip.
        seed: what it shows, see :func:`zeroshot_vss.scenes.render_objects`.
        length: number of frames.
        ids: class id of each object by the renderer's number; the others are background.
        every: masks are kept of every so many frames, and of the last.
    """

    def __init__(self, name: str, seed: int, length: int, ids: dict[int, int], every: int) -> None:
        super().__init__(name, seed, length)
        self._ids = np.zeros(256, np.uint8)
        self._ids[list(ids)] = list(ids.values())
        self._annotated = sorted({*range(0, length, every), length - 1})

    def labels(self, index: int) -> LabelMap | None:
        if 0 <= index < len(self) and index not in self._annotated:
            return None
        return super().labels(index)

    def mapped(self) -> Sequence[int]:
        return list(self._annotated)

    def _render(self, block: NDArray[np.intp]) -> tuple[Frames, LabelMap]:
        frames, objects = render_objects(self.seed, len(self), block)
        return frames, self._ids[objects]


@cache
def _largest(seed: int, length: int, smallest: int) -> tuple[int, ...]:
    """The renderer's numbers of the objects in a clip's first frame, largest first; cached for the next opening."""
    _, (first,) = render_objects(seed, length, np.array([0]))
    pixels = np.bincount(first.reshape(-1))
    seen = [number for number in range(1, len(pixels)) if pixels[number] >= smallest]
    return tuple(sorted(seen, key=lambda number: (-pixels[number], number)))
