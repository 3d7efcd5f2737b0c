"""The player's page: video, label maps and script in one file."""

from __future__ import annotations

import base64
import json
import tempfile
import zlib
from collections.abc import Sequence
from fractions import Fraction
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment
from markupsafe import Markup
from numpy.typing import NDArray

from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.datasets.user import plain
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.video import VideoClip, VideoWriter

MOST_ROWS = 480
"""Of the video and the label maps in the page."""
CRF = 23
_DATA = '<script type="application/json" id="data">'
HINT = (
    "Names are kept by “save names”; two clusters of one name become one. "
    "Put the file into the configuration (`clips: {{{clip}: {{path: …, names: {file}}}}}`) or give it to "
    "`zeroshot-vss segment … --names {file}`, and everything is written again; no model runs."
)


def write_player(
    path: Path,
    title: str,
    results: Sequence[tuple[str, ClipResult]],
    frames: Sequence[int] | None = None,
    fps: float | None = None,
    names: bool = True,
) -> None:
    """Write the page of a clip with the label maps of one method or of several side by side.

    Args:
        path: the HTML file.
        title: of the page.
        results: title and label maps of each method, all of the same clip with the same legend.
        frames: which frames, in rising order; all where None.
        fps: frames a second in place of the clip's own.
        names: say how names are kept; not so where the labels are a data set's classes.
    """
    clip, legend = results[0][1].clip, results[0][1].legend
    chosen = list(range(len(clip)) if frames is None else frames)
    scale = min(MOST_ROWS / clip.size[0], 1)
    size = tuple(max(round(side * scale), 2) for side in clip.size)
    source = plain(clip)
    if len(chosen) < len(clip) and fps is None:
        fps = source.fps if isinstance(source, VideoClip) else None
    with tempfile.TemporaryDirectory() as folder:
        video = Path(folder) / "video.mp4"
        maps, counts = _encode(results, chosen, size, video, fps)
        film = base64.b64encode(video.read_bytes()).decode()
        made = VideoClip("player", video)
    steady = [Fraction(index) / Fraction(made.fps).limit_denominator(1001) for index in range(len(made))]
    shown = sorted({label for _, result in results for label in result.shown})
    total = max(int(counts.sum()), 1)
    file = f"{clip.name}-names.json"
    data: dict[str, Any] = {
        "width": size[1], "height": size[0], "filmWidth": made.size[1], "filmHeight": made.size[0],
        "pixel": float(made.pixel_aspect), "fps": made.fps,
        "times": [round(float(t), 5) for t in made.times or steady],
        "file": file, "video": film,
        "methods": [{"title": name, "maps": own} for (name, _), own in zip(results, maps, strict=True)],
        "given": {label: int(results[0][1].naming.label_of[label]) for label in results[0][1].naming.given},
        "labels": [
            {"id": label, "name": legend.names[label], "colour": legend.colours[label].tolist(),
             "share": round(float(counts[label]) / total, 5)}
            for label in shown
        ],
    }  # fmt: skip
    hint = HINT.format(clip=clip.name, file=file) if names else "A click on a picture switches the class below it."
    text = _template("page.html").render(
        title=title,
        hint=hint,
        style=Markup(_read("style.css")),
        script=Markup(_read("player.js")),
        # No text of the data ends the script: "<" is escaped.
        data=Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")),
    )
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")


def read_player(path: Path) -> dict[str, Any]:
    """What a page was given: its label maps, names, times; for tests and for `segment`."""
    text = path.read_text("utf-8")
    begin = text.index(_DATA) + len(_DATA)
    return json.loads(text[begin : text.index("</script>", begin)])


def _encode(
    results: Sequence[tuple[str, ClipResult]],
    frames: list[int],
    size: tuple[int, ...],
    video: Path,
    fps: float | None,
) -> tuple[list[list[str]], NDArray[np.int64]]:
    """Write the video; maps of each method, deflated, as base64; pixels of each label."""
    maps: list[list[str]] = [[] for _ in results]
    counts = np.zeros(256, np.int64)
    clip = results[0][1].clip
    with VideoWriter.like(plain(clip), video, fps, CRF) as writer:
        for frame in progress(frames, lambda _: 1, f"player of {clip.name}"):
            writer.write(_smaller(clip.frames([frame])[0], size, cv2.INTER_AREA)[None])
            for (_, result), kept in zip(results, maps, strict=True):
                labels = _smaller(result.labels([frame])[0], size, cv2.INTER_NEAREST_EXACT)
                counts += np.bincount(labels.reshape(-1), minlength=256)
                kept.append(base64.b64encode(zlib.compress(labels.tobytes(), 9)).decode())
    return maps, counts


def _smaller(picture: Frames, size: tuple[int, ...], how: int) -> NDArray[np.uint8]:
    if picture.shape[:2] == size:
        return picture
    return np.asarray(cv2.resize(picture, (size[1], size[0]), interpolation=how), np.uint8)


def _read(name: str) -> str:
    return files("zeroshot_vss.player").joinpath(name).read_text("utf-8")


def _template(name: str) -> Any:
    return Environment(autoescape=True).from_string(_read(name))
