"""Generated street clips with exact labels, rendered when asked for: nothing to download."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zeroshot_vss.datasets.base import Clip, Frames, LabelMap, Legend
from zeroshot_vss.datasets.options import ListOptions, NamedClips, Options, selects

# The module, not its function: importing palette first comes through here before the function is there.
from zeroshot_vss.io import palette
from zeroshot_vss.scenes import HEIGHT, WIDTH, Label, render_clip
from zeroshot_vss.scenes.seeds import TEST_SEEDS, TRAIN_SEEDS, VALIDATION_SEEDS

FIRST_SEEDS = {"train": TRAIN_SEEDS, "validation": VALIDATION_SEEDS, "test": TEST_SEEDS}

_BLOCK = 32
"""Frames rendered at a time and kept until others are asked for: sampling the world costs as much as 25 frames."""


class ScenesOptions(ListOptions):
    """Options of the generated clips."""

    split: Literal["train", "validation", "test"] = "test"
    count: int = selects(8, ge=1, le=1_000_000)
    """Number of clips; the splits' seeds lie this far apart at least."""
    frames: int = Field(default=28, ge=1)
    """Frames a clip."""

    def choosing(self, clips: tuple[str, ...]) -> Options:
        # A clip is its number: those up to the last one that is asked for exist.
        numbers = [int(name.removeprefix("scene-")) for name in clips]
        return super().choosing(clips).model_copy(update={"count": max(numbers) + 1})


class Scenes(NamedClips):
    """Clips `scene-0000`, `scene-0001`, ...: clip i has the seed `FIRST_SEEDS[split] + i`."""

    name = "scenes"
    Options = ScenesOptions
    protocol = "vspw"

    def __init__(self, options: ScenesOptions) -> None:
        self._seeds = {f"scene-{index:04d}": FIRST_SEEDS[options.split] + index for index in range(options.count)}
        self._length = options.frames
        self.legend = Legend(tuple(label.name.lower() for label in Label), palette.cluster_colours(len(Label)))
        super().__init__(self._seeds, options)

    def _open(self, name: str) -> Clip:
        return SceneClip(name, self._seeds[name], self._length)


class SceneClip(Clip):
    """One generated clip.

    Args:
        name: name of the clip.
        seed: what it shows, see :func:`zeroshot_vss.scenes.render_clip`.
        length: number of frames.
    """

    def __init__(self, name: str, seed: int, length: int) -> None:
        self.name = name
        self.size = (HEIGHT, WIDTH)
        self.seed = seed
        self._length = length
        self._kept: tuple[int, Frames, LabelMap] | None = None

    def __len__(self) -> int:
        return self._length

    def frames(self, indices: Sequence[int]) -> Frames:
        pictures = [self._pair(index)[0] for index in indices]
        return np.stack(pictures) if pictures else np.empty((0, *self.size, 3), np.uint8)

    def labels(self, index: int) -> LabelMap | None:
        return self._pair(index)[1].copy()

    def annotated(self) -> int:
        return len(self.mapped())

    def check(self) -> None:
        """Nothing is read from outside."""

    def _render(self, block: NDArray[np.intp]) -> tuple[Frames, LabelMap]:
        """Frames and labels of some frame numbers."""
        return render_clip(self.seed, self._length, block)

    def _pair(self, index: int) -> tuple[Frames, LabelMap]:
        if not 0 <= index < self._length:
            raise IndexError(f"clip {self.name!r}: frame {index} of {self._length}")
        first = index - index % _BLOCK
        if self._kept is None or self._kept[0] != first:
            block = np.arange(first, min(first + _BLOCK, self._length))
            self._kept = (first, *self._render(block))
        _, frames, labels = self._kept
        return frames[index - first], labels[index - first]
