"""Real footage as training material: frames found, decoded once, drawn as pairs of views; masks are never opened."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.datasets.folder import FRAME_SUFFIXES, FolderClip
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.video import VideoClip

VIDEO_SUFFIXES = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".gif")

ANNOTATIONS = ("annot", "label", "mask", "groundtruth", "ground_truth", "gtfine", "gtcoarse", "segmentation")
"""Folders whose name holds one of these are passed over, so that masks beside frames are never opened."""


def find_clips(paths: Sequence[Path], exclude: Sequence[str] = ()) -> list[Path]:
    """Video files and folders that hold frames, among and below the given paths, in order of their names.

    Folders of annotations (see `ANNOTATIONS`) and hidden ones are passed over, unless given themselves by their path.

    Args:
        paths: video files, folders of frames, or folders of such.
        exclude: names of clips (folder, or file without suffix) that are left out.

    Raises:
        InputError: a path is missing, is no video, or nothing of use is below it.
    """
    clips: list[Path] = []
    for path in paths:
        if path.is_dir():
            below = [p for p in _clips_below(path) if p.stem not in exclude]
            if not below:
                raise InputError(f"--frames {path}: neither frames nor videos in it or below it")
            clips += below
        elif path.is_file():
            clips.append(path)
        else:
            raise InputError(f"--frames {path}: there is no such file or folder")
    return list(dict.fromkeys(clips))


def _clips_below(folder: Path) -> list[Path]:
    entries = sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    has_frames = any(p.suffix.lower() in FRAME_SUFFIXES and p.is_file() for p in entries)
    clips = [folder] if has_frames else []
    for entry in entries:
        if entry.is_dir():
            if not any(word in entry.name.lower() for word in ANNOTATIONS):
                clips += _clips_below(entry)
        elif entry.suffix.lower() in VIDEO_SUFFIXES:
            clips.append(entry)
    return clips


def open_clip(path: Path) -> Clip:
    """A clip of `find_clips`, without labels.

    Raises:
        InputError: see :class:`FolderClip` and :class:`VideoClip`.
    """
    return FolderClip(path.name, path) if path.is_dir() else VideoClip(path.stem, path)


@dataclass(frozen=True)
class Footage:
    """Decoded frames, one array a clip."""

    clips: list[NDArray[np.uint8]]
    """[frames, H, W, 3] each; H the same for all but smaller clips."""

    @property
    def frames(self) -> int:
        """Frames of all clips together."""
        return sum(map(len, self.clips))


def decode(clips: Mapping[str, Clip], rows: int, folder: Path) -> Footage:
    """Decode clips at `rows` rows (or their own, where fewer) into memory-mapped arrays in `folder`.

    Clips that are there from an earlier call are not decoded again.

    Args:
        clips: by what tells them from others: their paths, or their names in a data set.
        rows: of the stored frames.
        folder: for the arrays.

    Raises:
        InputError: a frame cannot be read, or the frames of a clip differ in size; the message names it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    index = folder / "clips.json"
    if index.exists() and json.loads(index.read_text()) != list(clips):
        raise InputError(f"{folder} holds the frames of other footage; choose another --work")
    decoded = []
    for number, clip in enumerate(clips.values()):
        stored = folder / f"{number:04d}.npy"
        if not stored.exists():
            frames = _decode(clip, rows)
            with replacing(stored) as partial, partial.open("wb") as file:
                np.save(file, frames)
        decoded.append(np.load(stored, mmap_mode="r"))
    index.write_text(json.dumps(list(clips), indent=1) + "\n")
    return Footage(decoded)


def _decode(clip: Clip, rows: int) -> NDArray[np.uint8]:
    height, width = clip.size
    if height > rows:
        height, width = rows, round(width * rows / height)
    out = np.empty((len(clip), height, width, 3), np.uint8)
    for i in range(len(clip)):
        frame = clip.frames([i])[0]
        out[i] = frame if frame.shape[:2] == (height, width) else cv2.resize(
            frame, (width, height), interpolation=cv2.INTER_AREA
        )  # fmt: skip
    return out


class View(NamedTuple):
    """Where a view of a frame comes from: the box in parts of the frame's sides, and whether it is mirrored."""

    top: float
    left: float
    side: float
    """Height and width of the box, 1 for the whole frame."""
    mirrored: bool


class Pair(NamedTuple):
    """Two views of one frame or of two frames of one clip."""

    images: NDArray[np.uint8]
    """[2, h, w, 3]"""
    views: tuple[View, View]
    same: bool
    """Both are of the same frame."""


def draw_view(whole: float, zoom: float, rng: np.random.Generator) -> View:
    """The whole frame with probability `whole`, else a box enlarged up to `zoom` times."""
    side = 1.0 if rng.random() < whole else 1 / rng.uniform(1, zoom)
    top, left = rng.random(2) * (1 - side)
    return View(float(top), float(left), side, bool(rng.random() < 0.5))


def cut(frame: NDArray[np.uint8], view: View, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The view of a frame at `size`."""
    height, width = frame.shape[:2]
    top, left = round(view.top * height), round(view.left * width)
    bottom, right = round((view.top + view.side) * height), round((view.left + view.side) * width)
    box = np.ascontiguousarray(frame[top:bottom, left:right])
    smaller = box.shape[0] > size[0]
    image = cv2.resize(box, size[::-1], interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)
    return (image[:, ::-1] if view.mirrored else image).astype(np.uint8)


def jitter(image: NDArray[np.uint8], strength: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Brightness, contrast, saturation and tint changed by up to `strength`."""
    gain, contrast, saturation = 1 + strength * rng.uniform(-1, 1, 3)
    tint = 1 + 0.5 * strength * rng.uniform(-1, 1, 3)
    pixels = image.astype(np.float32) * (gain * tint).astype(np.float32)
    pixels = (pixels - pixels.mean()) * contrast + pixels.mean()
    grey = pixels.mean(-1, keepdims=True)
    return np.clip(grey + (pixels - grey) * saturation, 0, 255).astype(np.uint8)


def alike(a: NDArray[np.uint8], b: NDArray[np.uint8], least: float) -> bool:
    """The two frames show the same scene: their thumbnails of 16 x 16 correlate by `least` or more."""
    small = [cv2.resize(np.asarray(f), (16, 16), interpolation=cv2.INTER_AREA).astype(float).ravel() for f in (a, b)]
    return bool(np.corrcoef(small)[0, 1] >= least)
