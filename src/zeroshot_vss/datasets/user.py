"""A user's own clips: video files and folders of frames, each with or without a mask of one frame."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from zeroshot_vss.datasets.base import Clip, Frames, LabelMap, Legend
from zeroshot_vss.datasets.folder import FolderClip, frame_files
from zeroshot_vss.datasets.masks import UserMask, read_user_mask
from zeroshot_vss.datasets.options import ListOptions, NamedClips, Options, place
from zeroshot_vss.errors import InputError

# The module, not its class: importing video first comes through here before the class is there.
from zeroshot_vss.io import video
from zeroshot_vss.io.places import full_path


class UserClip(BaseModel):
    """Where a clip lies, and the mask that names its clusters."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    path: Path
    """A video file or a folder of frames."""
    mask: Path | None = None
    """Annotation of one frame: an indexed PNG, grey ids (255 is void), or colours."""
    mask_frame: int | None = Field(default=None, ge=0)
    """Which frame, from 0. By default the frame of the mask's name (`00012.png` is of `00012.jpg`; of a video
    `frame12.png` or `12.png` is of frame 12), else the first."""
    colours: tuple[str, ...] = ()
    """`#rrggbb` of a mask of colours: labels 1, 2, ...; black is 0. By default all that occur, in rising order."""


def _as_clip(value: object) -> object:
    return {"path": value} if isinstance(value, str | Path) else value


class UserOptions(Options):
    """Options of a user's own clips."""

    clips: dict[str, Annotated[UserClip, BeforeValidator(_as_clip)]] = place(..., min_length=1)
    """Name of each clip and where it lies."""

    def choosing(self, clips: tuple[str, ...]) -> Options:
        return self.model_copy(update={"clips": {name: self.clips[name] for name in clips}})


class UserClips(NamedClips):
    """A user's own clips. Each with a mask has labels of its own, those without are labelled by clusters."""

    name = "user"
    Options = UserOptions
    legend = None

    def __init__(self, options: UserOptions) -> None:
        super().__init__(options.clips, ListOptions(limit=options.limit))
        self._clips = options.clips
        for name, clip in self._clips.items():
            if not full_path(clip.path, f"clip {name!r}").exists():
                raise InputError(f"clip {name!r}: there is no file or folder {clip.path}; see the config key `clips`")
            if clip.mask is not None and not full_path(clip.mask, f"clip {name!r}").is_file():
                raise InputError(f"clip {name!r}: there is no mask {clip.mask}; see the config key `clips`")

    def legend_of(self, clip: str) -> Legend | None:
        self._require(clip)
        mask = self._mask(clip)
        return None if mask is None else mask.legend

    def files(self, name: str) -> list[Path]:
        chosen = self._clips[name]
        path = full_path(chosen.path)
        frames = frame_files(path, f"clip {name!r}") if path.is_dir() else [path]
        return frames if chosen.mask is None else [*frames, full_path(chosen.mask)]

    def _mask(self, name: str) -> UserMask | None:
        chosen = self._clips[name]
        if chosen.mask is None:
            return None
        return read_user_mask(full_path(chosen.mask), chosen.colours, f"clip {name!r}")

    def _open(self, name: str) -> Clip:
        chosen = self._clips[name]
        path = full_path(chosen.path)
        clip = FolderClip(name, path) if path.is_dir() else video.VideoClip(name, path)
        mask = self._mask(name)
        if mask is None or chosen.mask is None:
            return clip
        return AnnotatedClip(clip, mask.labels, _frame_of(chosen, clip), chosen.mask.name)


class AnnotatedClip(Clip):
    """A clip with the annotation of one frame beside it.

    Args:
        clip: the frames.
        labels: [H, W] annotation.
        reference: of which frame.
        title: of the annotation, for messages.

    Raises:
        InputError: the annotation has another size than the frames, or there is no such frame.
    """

    def __init__(self, clip: Clip, labels: LabelMap, reference: int, title: str) -> None:
        self.clip, self.name, self.size = clip, clip.name, clip.size
        self.reference, self._labels = reference, labels
        if reference >= len(clip):
            raise InputError(
                f"clip {clip.name!r}: mask {title} is of frame {reference}, but the last frame is {len(clip) - 1}; "
                "say which with `mask_frame`"
            )
        if labels.shape != clip.size:
            now, expected = (f"{width} x {height}" for height, width in (labels.shape, clip.size))
            raise InputError(f"clip {clip.name!r}: mask {title} is {now} pixels, but the frames are {expected}")

    def __len__(self) -> int:
        return len(self.clip)

    def frames(self, indices: Sequence[int]) -> Frames:
        return self.clip.frames(indices)

    def labels(self, index: int) -> LabelMap | None:
        return self._labels if index == self.reference else None

    def annotated(self) -> int:
        return 1

    def files(self) -> Sequence[Path]:
        return self.clip.files()

    def check_files(self) -> None:
        self.clip.check_files()

    def frame_name(self, index: int) -> str:
        return self.clip.frame_name(index)

    def file_name(self, index: int) -> str:
        return self.clip.file_name(index)


def plain(clip: Clip) -> Clip:
    """The clip without the annotation beside it."""
    return clip.clip if isinstance(clip, AnnotatedClip) else clip


def _frame_of(chosen: UserClip, clip: Clip) -> int:
    """The frame that a mask belongs to."""
    assert chosen.mask is not None
    if chosen.mask_frame is not None:
        return chosen.mask_frame
    stem = chosen.mask.stem
    if isinstance(clip, FolderClip):
        return next((index for index in range(len(clip)) if clip.frame_name(index) == stem), 0)
    match = re.fullmatch(r"(?:frame|mask)?[-_]?([0-9]+)", stem)
    return int(match.group(1)) if match else 0
