"""Figures of label maps: over time (1), of methods (5), of feature blocks (6), of cluster counts (14)."""

from __future__ import annotations

from collections.abc import Sequence

from zeroshot_vss.figures.material import Material, numbered
from zeroshot_vss.figures.strips import Shown, painted, table
from zeroshot_vss.figures.style import Row, Sheet
from zeroshot_vss.io.palette import cluster_colours


def over_time(material: Material) -> Sheet:
    """Figure 1: frames, and each source's label maps of them, from left to right."""
    clip = material.clip()
    frames = material.frames(clip)
    lines: list[tuple[str, Sequence[Shown]]] = [("Frames", list(clip.frames(frames)))]
    lines += [(title, material.maps(i, clip.name, frames)) for i, title in enumerate(material.titles)]
    rows = table([f"frame {frame}" for frame in frames], lines)
    what = f"Label maps over time. Clip {clip.name}, {numbered(frames)}."
    return material.sheet(rows, what, material.classes())


def compared(material: Material) -> Sheet:
    """Figure 5: frame, ground truth and each source's label map, from left to right."""
    rows: list[Row] = []
    shown: list[str] = []
    columns = ["frame", "ground truth", *material.titles]
    for name in material.job.clips:
        clip = material.clip(name)
        frames = material.frames(clip)
        shown.append(f"{name}, {numbered(frames)}")
        lines: list[tuple[str, list[Shown]]] = []
        for frame in frames:
            maps = [material.maps(source, name, [frame])[0] for source in range(len(material.titles))]
            lines.append((f"{name}\nframe {frame}", [clip.frames([frame])[0], material.truth(clip, frame), *maps]))
        rows += table([""] * len(columns) if rows else columns, lines, apart=bool(rows))
    return material.sheet(rows, f"Methods side by side. Clips {'; '.join(shown)}.", material.classes())


def by_blocks(material: Material) -> Sheet:
    """Figure 6: coarse maps and label maps of each variation (features of single blocks, and their mean)."""
    clip = material.clip()
    rows: list[Row] = []
    frames: list[int] = []
    for source in range(len(material.titles)):
        variations = material.variations(source)
        frames = material.inspected_frames(source)
        for place, frame in enumerate(frames):
            coarse = [material.paint(looked.coarse[place]) for looked in variations]
            full = [material.paint(looked.labels[place]) for looked in variations]
            lines: list[tuple[str, list[Shown]]] = [
                (material.side(source, f"frame {frame}, coarse"), [clip.frames([frame])[0], *coarse]),
                (material.side(source, f"frame {frame}, full"), [material.truth(clip, frame), *full]),
            ]
            columns = ["frame, ground truth", *material.job.variations]
            rows += table([""] * len(columns) if rows else columns, lines, apart=bool(rows))
    what = (
        "Coarse maps, and label maps at full resolution, from the features of single blocks and from their mean. "
        f"Clip {clip.name}, {numbered(frames)}."
    )
    return material.sheet(rows, what, material.classes())


def by_clusters(material: Material) -> Sheet:
    """Figure 14: label maps of clusters and of the labels assigned to them, for each number of clusters.

    The job's variations are those of the clusters, then as many of the labels.
    """
    clip = material.clip()
    half = len(material.job.variations) // 2
    rows: list[Row] = []
    frames: list[int] = []
    for source in range(len(material.titles)):
        variations = material.variations(source)
        frames = material.inspected_frames(source)
        for place, frame in enumerate(frames):
            before = [painted(looked.labels[place], cluster_colours(256)) for looked in variations[:half]]
            after = [material.paint(looked.labels[place]) for looked in variations[half:]]
            lines: list[tuple[str, list[Shown]]] = [
                (material.side(source, f"frame {frame}, clusters"), [clip.frames([frame])[0], *before]),
                (material.side(source, f"frame {frame}, labels"), [material.truth(clip, frame), *after]),
            ]
            columns = ["frame, ground truth", *material.job.variations[:half]]
            rows += table([""] * len(columns) if rows else columns, lines, apart=bool(rows))
    what = (
        "Label maps for several numbers of K-Means clusters: the clusters themselves (colours mean nothing), and the "
        f"labels that the first frame's annotation gives them. Clip {clip.name}, {numbered(frames)}."
    )
    return material.sheet(rows, what, material.classes())
