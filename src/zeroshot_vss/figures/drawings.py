"""The drawings of the method (figures 3 and 4), made of its own intermediate results."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets.annotation import annotation
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.differences import of_all_sizes
from zeroshot_vss.figures.material import Material
from zeroshot_vss.figures.pca import principal_colours, principal_components
from zeroshot_vss.figures.strips import mask_picture, painted
from zeroshot_vss.figures.style import Dots, Panel, Row, Sheet, enlarged, heat
from zeroshot_vss.figures.tracks import centres, follow, select_cells
from zeroshot_vss.io.palette import cluster_colours
from zeroshot_vss.io.store import read_all
from zeroshot_vss.method.context import assign_labels

OMEGA, LAMBDA = "\N{GREEK CAPITAL LETTER OMEGA}", "\N{GREEK SMALL LETTER LAMDA}"
_GUTTER = 0.12
_CELLS = 4
"""Tracks of figure 4."""


class _Context:
    """The first source of both drawings: queries of the first batch; and the second: coarse maps before CBR."""

    def __init__(self, material: Material) -> None:
        self.material, self.clip = material, material.clip()
        self.frames = material.inspected_frames(0)
        self.queries: NDArray[Any] = material.inspected(0, f"spatial{material.job.blocks[0]}")
        path = material.results[1][self.clip.name]
        self.coarse: NDArray[np.uint8] = read_all(path, "maps")
        self.clusters: NDArray[np.uint8] = read_all(path, "clusters")
        truth = annotation(material.dataset, self.clip)
        assigned = self.clusters if truth is None or self.clip.reference else assign_labels(self.clusters, truth)
        self.first_labels = assigned.astype(np.uint8)

    def later(self) -> int:
        """The last of the asked frames in the batch."""
        available = [frame for frame in self.material.job.frames if frame in self.frames]
        if not available:
            raise InputError(
                f"config: figures.frames: none of {list(self.material.job.frames)} is in the first batch"
            )
        return available[-1]

    def painted(self, labels: NDArray[np.integer]) -> NDArray[np.uint8]:
        """Labels in colours."""
        return self.material.paint(labels.astype(np.uint8))


def stages(material: Material) -> Sheet:
    """Figure 3: the three stages.

    The job's sources are queries, coarse maps before CBR, and an inspection of the method, its last variation.
    """
    context = _Context(material)
    clip, frame = context.clip, context.later()
    colours = principal_colours(context.queries)
    place = material.inspected_frames(2).index(frame)
    looked = material.variations(2)[-1]
    masks = looked.masks(place)
    (chosen,) = of_all_sizes(masks, 1)
    at = looked.place(looked.labels_in(place)[chosen], place)
    first: list[Panel | None] = [
        Panel(clip.frames([0])[0], "first frame"),
        Panel(enlarged(colours[0]), "features"),
        Panel(painted(context.clusters, cluster_colours(256)), "K-Means clusters"),
        Panel(context.painted(context.first_labels), f"their labels train the context model {OMEGA}"),
    ]
    second: list[Panel | None] = [
        Panel(clip.frames([frame])[0], f"frame {frame}"),
        Panel(enlarged(colours[context.frames.index(frame)]), "features"),
        Panel(context.painted(context.coarse[frame]), f"labels by {OMEGA}"),
        Panel(context.painted(looked.coarse[place]), "refined by correspondences (CBR)"),
    ]
    third: list[Panel | None] = [
        Panel(mask_picture(masks[chosen]), f"mask of a label, modulated by \N{PLUS-MINUS SIGN}{LAMBDA}"),
        Panel(heat(looked.differences[at].astype(float)), "difference of the two images"),
        Panel(heat(looked.filtered[at].astype(float)), "filtered"),
        Panel(context.painted(looked.labels[place]), "largest over all labels"),
    ]
    rows = [
        Row(first, "1 scene context model", arrows=True),
        Row(second, "2 coarse maps", apart=True, arrows=True),
        Row(third, "3 masked modulation", apart=True, arrows=True),
    ]
    what = (
        f"The method in three stages. {OMEGA} is trained on the first frame, then on each batch with its refined "
        f"labels, and labels the next. Features: principal components. Clip {clip.name}, frame {frame}."
    )
    return material.sheet(rows, what, material.classes(), gutters=dict.fromkeys(range(1, 4), _GUTTER))


def context_and_tracks(material: Material) -> Sheet:
    """Figure 4: tokens as the context model sees them, and tracks of cells that vote on their labels.

    The job's sources are queries, coarse maps before CBR, correspondences, and coarse maps after CBR.
    """
    context = _Context(material)
    clip, later = context.clip, context.later()
    axes = principal_components(context.queries, 2)
    matches: NDArray[np.int32] = read_all(material.results[2][clip.name], "matches")
    refined: NDArray[np.uint8] = read_all(material.results[3][clip.name], "maps")
    batch = context.frames
    followed = matches[batch[0] : batch[-1]]
    cells = select_cells(context.coarse[0], refined[0], followed, _CELLS)
    track = follow(cells, followed)
    shown = np.linspace(0, len(batch) - 1, 4).round().astype(int).tolist()
    blank = np.full((*clip.size, 3), 255, np.uint8)
    known = _scatter(material, axes[0], context.first_labels)
    asked = _scatter(material, axes[batch.index(later)], context.coarse[later])
    top: list[Panel | None] = [
        Panel(context.painted(context.first_labels), "labels of the first frame"),
        Panel(blank, "its tokens, the training set", dots=known),
        Panel(blank, f"tokens of frame {later}, labelled by {OMEGA}", dots=asked),
        Panel(context.painted(context.coarse[later]), f"labels of frame {later}"),
        None,
    ]
    bottom: list[Panel | None] = []
    for place in shown:
        labels = context.coarse[batch[place]]
        dots = _tracks(material, track[: place + 1], labels)
        bottom.append(Panel(context.painted(labels), f"frame {batch[place]}", dots=dots))
    voted = _tracks(material, track[:1], refined[0])
    bottom.append(Panel(context.painted(refined[0]), "frame 0 after the vote", dots=voted))
    rows = [
        Row(top, "(a) context model", arrows=True),
        Row(bottom, "(b) CBR", apart=True, arrows=True),
    ]
    what = (
        "(a) The scene context model: the first frame's tokens (first two principal components of the queries) with "
        "their labels train a classifier, which labels the tokens of other frames. (b) Correspondence-based "
        f"refinement: cells are followed through the batch and take their track's majority label. Clip {clip.name}."
    )
    return material.sheet(rows, what, material.classes(), gutters=dict.fromkeys(range(1, 5), _GUTTER))


def _scatter(material: Material, axes: NDArray[np.float64], labels: NDArray[np.integer]) -> Dots:
    """Tokens [h, w, 2] in the colours of their labels [h, w], a little inside the frame."""
    return Dots(0.04 + 0.92 * axes.reshape(-1, 2), _colours(material, labels.reshape(-1)), 2.0)


def _tracks(material: Material, track: NDArray[np.integer], labels: NDArray[np.integer]) -> Dots:
    """Tracks [k, c] up to a frame of labels [h, w]: their paths, and where they are with the label there."""
    grid = (labels.shape[0], labels.shape[1])
    places = centres(track, grid)
    return Dots(places[-1], _colours(material, labels.reshape(-1)[track[-1]]), 5.0, list(places.transpose(1, 0, 2)))


def _colours(material: Material, labels: NDArray[np.integer]) -> NDArray[np.float64]:
    table = np.ones((256, 3))
    table[: len(material.colours)] = material.colours / 255
    return table[labels]
