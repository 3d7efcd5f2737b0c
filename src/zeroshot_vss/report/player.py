"""A video inside a page."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from zeroshot_vss.io.formatting import format_size
from zeroshot_vss.io.video import VideoClip, VideoWriter
from zeroshot_vss.report.page import LONGEST, fill

BUDGET = 3 * (LONGEST - 2**16) // 4
"""Bytes of a video that fits in a page: base64 adds a third, and the rest of the page wants its place."""
SMALLER = (24, 30, 36, 42, 48)
"""x264's qualities that are tried for videos above the budget; 6 more halve the size, about."""
HEIGHT = 360
"""Of those, at most."""
PLAYER = """\
<h1>{{ title }}</h1>
{% if data %}
<video controls autoplay muted loop playsinline src="data:video/mp4;base64,{{ data }}"></video>
{% endif %}
<p>{{ note }}</p>
<ul class="legend">
{% for name, (red, green, blue) in legend %}
<li><span class="swatch" style="background: rgb({{ red }}, {{ green }}, {{ blue }})"></span>{{ name }}</li>
{% endfor %}
</ul>
"""


def rendition(video: Path, budget: int = BUDGET) -> bytes | None:
    """The video itself where it fits, else a smaller one of the same frames; None where none is small enough."""
    if video.stat().st_size <= budget:
        return video.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        for quality in SMALLER:
            small = Path(folder) / f"{quality}.mp4"
            _encode(VideoClip(video.stem, video), small, quality)
            if small.stat().st_size <= budget:
                return small.read_bytes()
    return None


def _encode(clip: VideoClip, path: Path, quality: int) -> None:
    height, width = clip.size
    scale = min(HEIGHT / height, 1)
    size = (max(round(width * scale), 2), max(round(height * scale), 2))
    with VideoWriter(path, clip.fps, quality) as writer:
        for index in range(len(clip)):
            (frame,) = clip.frames([index])
            writer.write(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8)[None])


def player_page(title: str, video: Path, legend: Sequence[tuple[str, NDArray[np.uint8]]]) -> Markup:
    """The video, and the names of the colours that it shows."""
    data = rendition(video)
    note = f"{video}, {format_size(video.stat().st_size)}"
    if data is None:
        note += "; it is too long to be shown here."
    elif len(data) < video.stat().st_size:
        note += f"; here {format_size(len(data))}, of lower quality."
    colours = [(name, tuple(map(int, colour))) for name, colour in legend]
    return fill(PLAYER, title=title, data=base64.b64encode(data).decode() if data else "", note=note, legend=colours)
