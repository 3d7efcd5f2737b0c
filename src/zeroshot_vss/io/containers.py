"""Opening video files: those that hold frames themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import av.container

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.images import MAX_PIXELS

_PLAYLISTS = (b"#EXTM3U", b"ffconcat", b"<MPD", b"<smil", b"[playlist]", b"<SmoothStreamingMedia")
"""How files begin that only name others (HLS, FFmpeg's concat, DASH, ...): FFmpeg would open whatever they name."""
_HEAD = 4096


def open_container(path: Path, title: str) -> av.container.InputContainer:
    """Open a video file for reading; close it after use.

    Args:
        path: the file.
        title: how messages begin.

    Raises:
        InputError: it is a pipe or a device, a text that names other files, or claims too many pixels.
        av.error.FFmpegError: FFmpeg cannot read it.
    """
    if path.exists() and not path.is_file():
        raise InputError(f"{title} is no file but a folder, a pipe or a device; name a video file")
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if any(mark in head for mark in _PLAYLISTS):
        raise InputError(f"{title} is a playlist that names other files; name the video itself")
    # An absolute path cannot be mistaken for the address of a network stream.
    container = av.open(str(path.resolve()), metadata_errors="ignore")
    for stream in container.streams.video:
        context: Any = stream.codec_context  # None where FFmpeg knows no decoder
        width, height = (0, 0) if context is None else (context.width, context.height)
        if width * height > MAX_PIXELS:
            container.close()
            raise InputError(f"{title} claims {width} x {height} pixels; at most {MAX_PIXELS:,} are read")
    return container
