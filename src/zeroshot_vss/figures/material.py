"""Reading what a figure shows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.inspected import InspectedVariation, read_variation
from zeroshot_vss.figures.job import FigureJob
from zeroshot_vss.figures.strips import painted
from zeroshot_vss.figures.style import PAGE, Key, Picture, Row, Sheet
from zeroshot_vss.io.palette import cluster_colours
from zeroshot_vss.io.predictions import Predictions
from zeroshot_vss.io.store import Manifest, find_files, open_clip, read_all


class Material:
    """What a figure is made of.

    Args:
        job: the figure.
    """

    def __init__(self, job: FigureJob) -> None:
        self.job, self.dataset = job, job.open()
        self._shown: set[int] = set()
        self._clips: dict[str, Clip] = {}
        self.legend = self.dataset.legend
        self.colours = cluster_colours(256) if self.legend is None else self.legend.colours
        self.results = [
            {} if s.folder else find_files(job.clips, [Manifest.load(path) for path in s.manifests])
            for s in job.sources
        ]
        self._predictions = [Predictions(self.dataset, Path(s.folder)) if s.folder else None for s in job.sources]

    @property
    def titles(self) -> list[str]:
        """Of the sources."""
        return [source.title for source in self.job.sources]

    def side(self, source: int, text: str) -> str:
        """What stands at the side of a source's row: its title is left out where it is the only one."""
        return f"{self.titles[source]}\n{text}".strip() if len(self.titles) > 1 else text

    def clip(self, name: str | None = None) -> Clip:
        """A clip by its name, the first one without. Kept open: to open some clips again is to render them again."""
        name = self.job.clips[0] if name is None else name
        if name not in self._clips:
            self._clips[name] = self.dataset.clip(name)
        return self._clips[name]

    def frames(self, clip: Clip) -> list[int]:
        """Those of the asked frames that the clip has.

        Raises:
            InputError: there are none.
        """
        frames = [frame for frame in self.job.frames if frame < len(clip)]
        if not frames:
            raise InputError(f"clip '{clip.name}' has {len(clip)} frames, none of {list(self.job.frames)}")
        return frames

    def paint(self, labels: NDArray[np.uint8]) -> Picture:
        """[h, w] labels in the colours of the data set; the legend will name them."""
        self._shown |= set(np.unique(labels).tolist())
        return painted(labels, self.colours)

    def truth(self, clip: Clip, frame: int) -> Picture | None:
        """Ground truth in colours."""
        labels = clip.labels(frame)
        return None if labels is None else self.paint(labels)

    def labels(self, source: int, clip: str, frames: Sequence[int]) -> NDArray[np.uint8]:
        """Label maps [n, H, W] of some frames."""
        if theirs := self._predictions[source]:
            return np.stack([theirs.read(self.clip(clip), frame) for frame in frames])
        with open_clip(self.results[source][clip]) as file:
            return np.stack([file["maps"][frame] for frame in frames])

    def maps(self, source: int, clip: str, frames: Sequence[int]) -> list[Picture]:
        """The same in colours."""
        return [self.paint(labels) for labels in self.labels(source, clip, frames)]

    def inspected(self, source: int, name: str) -> NDArray[np.generic]:
        """What the inspection of the clip kept under a name."""
        return read_all(self.results[source][self.job.clips[0]], name)

    def inspected_frames(self, source: int) -> list[int]:
        """Numbers of the frames that were inspected."""
        return [int(frame) for frame in self.inspected(source, "frames")]

    def variations(self, source: int) -> list[InspectedVariation]:
        """All variations of the clip."""
        path = self.results[source][self.job.clips[0]]
        return [read_variation(path, number) for number in range(len(self.job.variations))]

    def classes(self) -> list[Key]:
        """The classes that were painted, for the legend."""
        if self.legend is None:
            return []
        both = enumerate(zip(self.legend.names, self.legend.colours, strict=True))
        return [Key(name, colour / 255) for label, (name, colour) in both if label in self._shown]

    def sheet(
        self,
        rows: Sequence[Row],
        what: str,
        keys: Iterable[Key],
        width: float = PAGE,
        gutters: Mapping[int, float] | None = None,
    ) -> Sheet:
        """The rows with a legend, and, if asked for, a caption: what they show under which settings."""
        sheet = Sheet(width)
        sheet.rows(rows, gutters)
        if keys := list(keys):
            sheet.keys(keys)
        if self.job.captioned:
            sheet.caption(f"{what} {self.job.settings}")
        return sheet


def numbered(frames: Sequence[int]) -> str:
    """Frame numbers in words; the first frame is 0."""
    return f"frame{'s' if len(frames) > 1 else ''} {', '.join(map(str, frames))}"
