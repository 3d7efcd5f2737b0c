"""Figures of failures that are looked for in all clips: reconstruction (8), flicker (9), unseen classes (10)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets import Clip
from zeroshot_vss.figures.failures import (
    Case,
    flips,
    hottest,
    pointed_at,
    reconstruction_change,
    static_pixels,
    unseen,
    worst,
)
from zeroshot_vss.figures.material import Material
from zeroshot_vss.figures.strips import Shown, table
from zeroshot_vss.figures.style import ACCENT, Key, Panel, Row, Sheet, enlarged, heat
from zeroshot_vss.io.store import open_clip, read_all
from zeroshot_vss.method.latents import to_network_size


def reconstructions(material: Material) -> Sheet:
    """Figure 8: the frames that the unmodulated pass changes most, each with a frame beside it.

    The job's sources are, for each backbone, its decoded plain passes and its label maps.
    """
    job = material.job
    chosen: list[tuple[int, Case, list[int]]] = []
    for source in range(0, len(job.sources), 2):
        scores = {name: _changes(material, source, name) for name in job.clips}
        for case in worst(scores, job.cases):
            known = sorted(scores[case.clip])
            place = min(known.index(case.frame), max(len(known) - 2, 0))
            chosen.append((source, case, known[place : place + 2]))
    changes = [_change(material, source, case.clip, frame)[1] for source, case, frames in chosen for frame in frames]
    largest = float(max(change.max() for change in changes))
    rows: list[Row] = []
    for source, case, frames in chosen:
        clip = material.clip(case.clip)
        lines: list[tuple[str, list[Shown]]] = []
        for frame in frames:
            decoded, change = _change(material, source, case.clip, frame)
            ring = hottest(change)
            pictures = [clip.frames([frame])[0], enlarged(decoded), enlarged(heat(change / largest))]
            panels: list[Shown] = [Panel(picture, ring=ring) for picture in pictures]
            panels.append(material.maps(source + 1, case.clip, [frame])[0])
            panels.append(material.truth(clip, frame))
            side = f"{case.clip}\nframe {frame}: {change.mean():.1f}"
            lines.append((f"{job.sources[source].title}\n{side}" if len(job.sources) > 2 else side, panels))
        columns = ["frame", "decoded plain pass", "change", "label map", "ground truth"]
        rows += table([""] * len(columns) if rows else columns, lines, apart=bool(rows))
    what = (
        f"Inversion: of {_counted(job.clips)}, the frames whose decoded unmodulated pass is farthest from them, one "
        "frame a clip, each with a frame beside it. Numbers are means of the absolute difference of the channels (0 "
        "to 255); rings mark where it is largest."
    )
    return material.sheet(rows, what, [*material.classes(), Key(f"change of colour: 0 to {largest:.0f}")])


def _changes(material: Material, source: int, clip: str) -> dict[int, float]:
    """Mean change of each frame of a clip that was inspected."""
    frames = read_all(material.results[source][clip], "frames").tolist()
    return {frame: float(_change(material, source, clip, frame)[1].mean()) for frame in frames}


def _change(material: Material, source: int, clip: str, frame: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The decoded plain pass of a frame and its change, at the network's size."""
    with open_clip(material.results[source][clip]) as file:
        place = file["frames"][()].tolist().index(frame)
        decoded = file["decoded"][place]
    given = to_network_size(material.clip(clip).frames([frame]), (decoded.shape[0], decoded.shape[1]))
    return decoded, reconstruction_change(given[0], decoded)


def flicker(material: Material) -> Sheet:
    """Figure 9: consecutive frames with the most label flips on pixels that do not change."""
    job = material.job
    rows: list[Row] = []
    for source in range(len(job.sources)):
        scores = {name: _flicker(material, source, material.clip(name)) for name in job.clips}
        lines: list[tuple[str, list[Shown]]] = []
        for case in worst(scores, job.cases):
            clip, pair = material.clip(case.clip), [case.frame, case.frame + 1]
            frames = clip.frames(pair)
            flipped = _flips(material, source, clip, pair)
            pictures: list[Shown] = [*frames, *material.maps(source, case.clip, pair)]
            pictures.append(pointed_at(frames[1], flipped, ACCENT))
            text = f"{case.clip}\nframes {pair[0]}, {pair[1]}: {100 * case.score:.1f} %"
            lines.append((material.side(source, text), pictures))
        columns = ["frame", "next frame", "label map", "next label map", "flips"]
        rows += table([""] * len(columns) if rows else columns, lines, apart=bool(rows))
    what = (
        f"Flicker: of {_counted(job.clips)}, the consecutive frames with the most pixels whose label changes though "
        f"their class stays and their colour changes by at most {job.tolerance} of 255 in each channel, as a share "
        "of the frame; one pair a clip."
    )
    return material.sheet(rows, what, [*material.classes(), Key("flip on a static pixel", ACCENT)])


def _flips(material: Material, source: int, clip: Clip, pair: Sequence[int]) -> NDArray[np.bool_]:
    truth = [clip.labels(frame) for frame in pair]
    known = [labels for labels in truth if labels is not None]
    if len(known) < 2:
        return np.zeros(clip.size, np.bool_)
    static = static_pixels(clip.frames(pair), np.stack(known), material.job.tolerance)
    return flips(material.labels(source, clip.name, pair), static)


def _flicker(material: Material, source: int, clip: Clip) -> dict[int, float]:
    """Share of pixels that flip to the next frame, of the frames that have a label map and whose next one has."""
    mapped = set(clip.mapped())
    pairs = [(frame, frame + 1) for frame in sorted(mapped) if frame + 1 in mapped]
    return {pair[0]: float(_flips(material, source, clip, pair).mean()) for pair in pairs}


def unseen_classes(material: Material) -> Sheet:
    """Figure 10: the frames with the most pixels of classes that the annotated frame does not have."""
    job = material.job
    scores = {name: _unseen(material.clip(name)) for name in job.clips}
    cases = worst(scores, job.cases)
    shown = [case for case in cases if case.score > 0] or cases[:1]
    lines: list[tuple[str, list[Shown]]] = []
    for case in shown:
        clip = material.clip(case.clip)
        first, later = clip.labels(clip.reference), clip.labels(case.frame)
        assert first is not None and later is not None
        frames = clip.frames([clip.reference, case.frame])
        pictures: list[Shown] = [frames[0], material.truth(clip, clip.reference), frames[1]]
        pictures.append(material.truth(clip, case.frame))
        pictures.append(pointed_at(frames[1], unseen(later, first), ACCENT))
        pictures += [material.maps(i, case.clip, [case.frame])[0] for i in range(len(job.sources))]
        lines.append((f"{case.clip}\nframe {case.frame}: {100 * case.score:.1f} %", pictures))
    columns = [
        "first frame",
        "its ground truth",
        "later frame",
        "its ground truth",
        "unseen classes",
        *material.titles,
    ]
    text = "none shows a class that its annotated frame lacks."
    if shown[0].score > 0:
        text = "the frames with the largest share of pixels of classes that the annotated frame lacks, one a clip."
    what = f"Unseen objects: of {_counted(job.clips)}, {text}"
    return material.sheet(table(columns, lines), what, [*material.classes(), Key("unseen class", ACCENT)])


def _unseen(clip: Clip) -> dict[int, float]:
    """Share of pixels of unseen classes, of the annotated frames that have a label map."""
    first = clip.labels(clip.reference)
    if first is None:
        return {}
    truth = {frame: labels for frame in clip.mapped() if (labels := clip.labels(frame)) is not None}
    return {frame: float(unseen(labels, first).mean()) for frame, labels in truth.items()}


def _counted(clips: Sequence[str]) -> str:
    return f"{len(clips)} clips" if len(clips) > 1 else "one clip"
