"""The configured data sets as they lie on the disk: no image is decoded, a header is read a clip."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import av
import av.error

from zeroshot_vss.datasets import Clip, open_dataset
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.containers import open_container
from zeroshot_vss.io.places import full_path
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import USER_CLIPS

GENERATED = ("scenes", "scenes-objects")
"""Kinds whose clips all have one length and size, and are rendered when they are opened."""


@dataclass(frozen=True)
class ClipSummary:
    """One clip."""

    name: str
    frames: int
    size: tuple[int, int]
    """Height and width of its first frame."""
    mapped: int
    """Frames whose label maps are wanted."""
    annotated: int | None
    """Frames with a mask; None where counting them is not cheap."""


@dataclass(frozen=True)
class DataSetStatus:
    """A data set, or why it cannot be used."""

    name: str
    title: str
    clips: tuple[ClipSummary, ...] = ()
    missing: str | None = None

    @property
    def frames(self) -> int:
        """Of all clips."""
        return sum(clip.frames for clip in self.clips)

    @property
    def annotated(self) -> int | None:
        """Of all clips; None where it is not known for one of them."""
        counts = [clip.annotated for clip in self.clips]
        return None if None in counts else sum(count for count in counts if count is not None)

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """Every height and width, ascending."""
        return sorted({clip.size for clip in self.clips})


def dataset_status(plan: Plan, name: str) -> DataSetStatus:
    """A configured data set, or the clips of the user."""
    title = "your own clips" if name == USER_CLIPS else plan.config.datasets[name].title
    try:
        return DataSetStatus(name, title, tuple(_clips(plan, name)))
    except InputError as error:
        return DataSetStatus(name, title, missing=_with_source(plan, name, str(error)))


def _with_source(plan: Plan, name: str, message: str) -> str:
    """A message with where to get the data: readers say it, but not where the environment lacks their folder."""
    options = {} if name == USER_CLIPS else plan.config.datasets[name].options
    known = {key: value for key, value in options.items() if not (isinstance(value, str) and "$" in value)}
    if len(known) == len(options):
        return message
    try:
        open_dataset(plan.config.datasets[name].kind, known)
    except InputError as error:
        return message if str(error) in message else f"{message}. {error}"
    return message


def _clips(plan: Plan, name: str) -> list[ClipSummary]:
    spec = plan.stages.dataset(name)
    dataset = open_dataset(spec.kind, spec.options)
    names = dataset.clips()
    if not names:
        raise InputError(f"data set '{name}' has no clips")
    if spec.kind in GENERATED:
        first = _counted(dataset.clip(names[0]))
        return [replace(first, name=clip) for clip in names]
    films = {clip: full_path(own.path) for clip, own in plan.config.clips.items()} if name == USER_CLIPS else {}
    return [
        _film(clip, films[clip]) if clip in films and films[clip].is_file() else _counted(dataset.clip(clip))
        for clip in names
    ]


def _counted(clip: Clip) -> ClipSummary:
    clip.check_files()
    return ClipSummary(clip.name, len(clip), clip.size, len(clip.mapped()), clip.annotated())


def _film(name: str, path: Path) -> ClipSummary:
    """A video by its header; where that does not count the frames, by its packets, which are not decoded either."""
    try:
        with open_container(path, f"clip {name!r}: {path.name}") as container:
            if not container.streams.video:
                raise InputError(f"clip {name!r}: {path} holds no video stream")
            stream = container.streams.video[0]
            size = stream.codec_context.height, stream.codec_context.width
            frames = stream.frames or sum(packet.size > 0 for packet in container.demux(stream))
    except av.error.FFmpegError as error:
        raise InputError(f"clip {name!r}: {path} cannot be read as a video ({error.strerror})") from error
    return ClipSummary(name, frames, size, frames, 0)
