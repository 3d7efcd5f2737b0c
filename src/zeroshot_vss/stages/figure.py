"""Figure stage: reads what a figure shows, lays it out and writes it as PDF and PNG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.inspected import Looked, read_variation
from zeroshot_vss.figures.job import FigureJob
from zeroshot_vss.figures.pca import Features, feature_rows, principal_colours
from zeroshot_vss.figures.strips import cases, over_time, painted
from zeroshot_vss.figures.style import COLUMN, PAGE, Key, Panel, Picture, Row, Sheet
from zeroshot_vss.palette import cluster_colours
from zeroshot_vss.store import Manifest, find_files, open_clip, read_all

SCALE = Key("difference map, each over its largest value: 0 to 1")


def run(job: FigureJob, pdf: Path, png: Path, *manifests: Path) -> None:
    """Draw the figure. `manifests` are those of the job's sources, one source after another."""
    FIGURES[job.figure](_Material(job, manifests)).save(pdf, png)


class _Material:
    """What a figure is made of."""

    def __init__(self, job: FigureJob, manifests: Sequence[Path]) -> None:
        self.job, self.dataset = job, job.dataset.open()
        self.legend = self.dataset.legend
        self.clusters = cluster_colours(256)
        self.colours = self.clusters if self.legend is None else self.legend.colours
        ends = np.cumsum([source.manifests for source in job.sources]).tolist()
        read = [Manifest.load(path) for path in manifests]
        self.results = [
            find_files(job.clips, read[end - source.manifests : end])
            for source, end in zip(job.sources, ends, strict=True)
        ]

    @property
    def titles(self) -> list[str]:
        """Of the sources."""
        return [source.title for source in self.job.sources]

    def clip(self) -> Clip:
        """The clip of figures that show one."""
        return self.dataset.clip(self.job.clips[0])

    def frames(self, clip: Clip) -> list[int]:
        """The asked frames that the clip has.

        Raises:
            InputError: there are none.
        """
        found = [frame for frame in self.job.frames if frame < len(clip)]
        if not found:
            raise InputError(f"clip '{clip.name}' has {len(clip)} frames, none of {list(self.job.frames)}")
        return found

    def truth(self, clip: Clip, frame: int) -> Picture | None:
        """Ground truth in colours."""
        labels = clip.labels(frame)
        return None if labels is None else painted(labels, self.colours)

    def labels(self, source: int, clip: str, frames: slice | int) -> NDArray[np.uint8]:
        """Full-resolution labels of one frame or several."""
        with open_clip(self.results[source][clip]) as file:
            return np.asarray(file["maps"][frames])  # pyright: ignore[reportIndexIssue]

    def map(self, source: int, clip: str, frame: int) -> Picture:
        """Full-resolution labels of a frame in colours."""
        return painted(self.labels(source, clip, frame), self.colours)

    def looked(self, source: int, number: int) -> Looked:
        """A variation of the clip."""
        return read_variation(self.results[source][self.job.clips[0]], number)

    def looked_at(self, source: int) -> list[int]:
        """Numbers of the frames that were inspected."""
        return read_all(self.results[source][self.job.clips[0]], "frames").tolist()

    def keys(self) -> list[Key]:
        """The classes of the data set."""
        if self.legend is None:
            return []
        return [Key(n, c / 255) for n, c in zip(self.legend.names, self.legend.colours, strict=True)]

    def sheet(
        self, rows: list[Row], what: str, *, width: float = PAGE, keys: Iterable[Key] = (),
        gutters: dict[int, float] | None = None,
    ) -> Sheet:  # fmt: skip
        """The rows with a legend, and a caption that says what they show and with which settings."""
        sheet = Sheet(width)
        sheet.rows(rows, gutters)
        if keys := list(keys):
            sheet.keys(keys)
        sheet.caption(f"{what} {self.job.settings}")
        return sheet


def _numbers(frames: Sequence[int]) -> str:
    return f"frame{'s' if len(frames) > 1 else ''} {', '.join(map(str, frames))}"


def figure1(material: _Material) -> Sheet:
    """Frames and methods over time."""
    clip = material.clip()
    frames = material.frames(clip)
    lines: dict[str, Sequence[Picture | None]] = {"Frames": list(clip.frames(frames))}
    for source, title in enumerate(material.titles):
        lines[title] = [material.map(source, clip.name, frame) for frame in frames]
    rows = over_time([f"frame {frame}" for frame in frames], lines)
    return material.sheet(rows, f"Label maps over time. Clip {clip.name}, {_numbers(frames)}.", keys=material.keys())


def figure2(material: _Material) -> Sheet:
    """Principal components of features, and their x-t slices. Also figure 15, with another block."""
    job, clip = material.job, material.clip()
    numbers = material.looked_at(0)
    compared = [Features("frames", clip.frames(numbers))]
    for source, (title, block) in enumerate(zip(material.titles, job.blocks, strict=True)):
        path = material.results[source][clip.name]
        with open_clip(path) as file:
            kinds = [kind for kind in ("spatial", "temporal") if f"{kind}{block}" in file]
        for kind in kinds:
            colours = principal_colours(read_all(path, f"{kind}{block}"))
            compared.append(Features(f"{title}, block {block}, {kind}", colours))
    names = (f"frame {numbers[0]}", f"frame {numbers[-1]}")
    rows = feature_rows(compared, (0, len(numbers) - 1), names, job.slice_at)
    what = (
        "First three principal components of self-attention queries, fitted on all frames of a batch together, and "
        f"the x-t slice of the marked row. Clip {clip.name}, frames {numbers[0]} to {numbers[-1]}."
    )
    wide = PAGE if len(compared) > 2 else COLUMN
    return material.sheet(rows, what, width=wide, gutters={2 * i: 0.08 for i in range(1, len(compared))})


def figure5(material: _Material) -> Sheet:
    """Methods beside each other."""
    found = []
    for name in material.job.clips:
        clip = material.dataset.clip(name)
        for frame in material.frames(clip):
            shown: dict[str, Picture | Panel | None] = {"frame": clip.frames([frame])[0]}
            shown["ground truth"] = material.truth(clip, frame)
            shown |= {title: material.map(i, name, frame) for i, title in enumerate(material.titles)}
            found.append((f"{name} frame {frame}", shown))
    what = f"Methods side by side. Clips {', '.join(material.job.clips)}."
    return material.sheet(cases(found), what, keys=material.keys())


def figure6(material: _Material) -> Sheet:
    """Coarse maps and label maps from single blocks and from their mean."""
    clip, rows = material.clip(), []
    for source, title in enumerate(material.titles):
        frames = material.looked_at(source)
        variations = [material.looked(source, number) for number in range(len(material.job.variations))]
        for place, frame in enumerate(frames):
            coarse: dict[str, Picture | Panel | None] = {f"frame {frame}": clip.frames([frame])[0]}
            full: dict[str, Picture | Panel | None] = {"ground truth": material.truth(clip, frame)}
            for name, looked in zip(material.job.variations, variations, strict=True):
                coarse[name] = painted(looked.coarse[place], material.colours)
                full[f"{name}, full"] = painted(looked.labels[place], material.colours)
            some = [*cases([(f"{title} coarse", coarse)]), *cases([(f"{title} full resolution", full)])]
            rows += some
    what = f"Label maps from the features of single blocks and of their mean. Clip {clip.name}."
    return material.sheet(rows, what, keys=material.keys())
