"""Figures of difference maps: latent blending and filter (7, 12), the modulated block (11), backbones (13)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets import VOID
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.differences import most_spilled, of_all_sizes
from zeroshot_vss.figures.inspected import InspectedVariation
from zeroshot_vss.figures.material import Material
from zeroshot_vss.figures.strips import Shown, mask_picture, table
from zeroshot_vss.figures.style import COLUMN, PAGE, Key, Panel, Row, Sheet, heat

SCALE = Key("difference map, divided by its largest value: 0 to 1")
_GUTTER = 0.06
_ACROSS = 5
"""Columns of the figure of blocks, whose first one holds the frame and the mask."""


def blending(material: Material) -> Sheet:
    """Figure 7: a mask, its difference map and the label maps without and with latent blending, no filter.

    The job's variations are the one without blending, then the one with it. The mask is that of the first frame whose
    difference map spills most without blending.
    """
    clip = material.clip()
    lines: list[tuple[str, list[Shown]]] = []
    for source in range(len(material.titles)):
        without, blended = material.variations(source)
        frame = material.inspected_frames(source)[0]
        masks = without.masks(0)
        (chosen,) = most_spilled(_maps(without, 0), masks, 1)
        label = without.labels_in(0)[chosen]
        pictures: list[Shown] = [clip.frames([frame])[0], mask_picture(masks[chosen])]
        pictures += [heat(looked.differences[looked.place(label, 0)].astype(float)) for looked in (without, blended)]
        pictures += [material.paint(looked.unfiltered_labels[0]) for looked in (without, blended)]
        lines.append((material.side(source, _name(material, label)), pictures))
    columns = ["(a) frame", "(b) coarse mask", "(c) difference map, no blending", "(d) difference map, blending",
               "(e) label map, no blending", "(f) label map, blending"]  # fmt: skip
    what = (
        "Latent blending, without filter, for the label whose difference map spills most. "
        f"Clip {clip.name}, frame {material.inspected_frames(0)[0]}."
    )
    return material.sheet(table(columns, lines), what, [*material.classes(), SCALE])


def blending_and_filter(material: Material) -> Sheet:
    """Figure 12: difference maps of several masks, and label maps, with and without blending and filter."""
    clip = material.clip()
    rows: list[Row] = []
    columns = ["frame, masks", "neither", "filter", "latent blending", "both"]
    for source in range(len(material.titles)):
        without, blended = material.variations(source)
        frame = clip.frames([material.inspected_frames(source)[0]])[0]
        labels = [without.unfiltered_labels, without.labels, blended.unfiltered_labels, blended.labels]
        pictures: list[Shown] = [frame, *(material.paint(maps[0]) for maps in labels)]
        lines = [(material.side(source, "label maps"), pictures)]
        masks = without.masks(0)
        for chosen in most_spilled(_maps(without, 0), masks, material.job.cases):
            label = without.labels_in(0)[chosen]
            place = without.place(label, 0)
            maps = [one[place] for looked in (without, blended) for one in (looked.differences, looked.filtered)]
            lines.append(
                (_name(material, label), [mask_picture(masks[chosen]), *(heat(m.astype(float)) for m in maps)])
            )
        rows += table([""] * len(columns) if rows else columns, lines, apart=bool(rows))
    what = (
        "Latent blending and difference-map filter: label maps, and the difference maps of those coarse masks that "
        f"spill most. Clip {clip.name}, frame {material.inspected_frames(0)[0]}."
    )
    return material.sheet(rows, what, [*material.classes(), SCALE])


def by_modulated_block(material: Material) -> Sheet:
    """Figure 11: difference map of one mask and label map when each of the blocks is modulated.

    The job's variations are the blocks; its `blocks` the block that the method modulates, which is outlined.
    """
    clip = material.clip()
    rows: list[Row] = []
    for source, own in enumerate(material.job.blocks):
        variations = material.variations(source)
        frame = material.inspected_frames(source)[0]
        masks = variations[0].masks(0)
        (chosen,) = of_all_sizes(masks, 1)
        label = variations[0].labels_in(0)[chosen]
        maps: list[Shown] = [clip.frames([frame])[0]]
        labels: list[Shown] = [mask_picture(masks[chosen])]
        columns = ["frame, mask"]
        for name, looked in zip(material.job.variations, variations, strict=True):
            outlined = name == f"block {own}"
            maps.append(Panel(heat(looked.differences[looked.place(label, 0)].astype(float)), outlined=outlined))
            labels.append(Panel(material.paint(looked.labels[0]), outlined=outlined))
            columns.append(name)
        for first in range(0, len(columns), _ACROSS):
            some = slice(first, first + _ACROSS)
            missing: list[Shown] = [None] * (first + _ACROSS - len(columns))
            sides = [material.side(source, f"{_name(material, label)}: difference maps"), "label maps"]
            lines = [(side, [*line[some], *missing]) for side, line in zip(sides, (maps, labels), strict=True)]
            rows += table([*columns[some], *[""] * len(missing)], lines, apart=bool(rows))
    what = (
        "Difference maps (before the filter) of a mask of middle size, and label maps, when each block is modulated; "
        f"that of the method is outlined. Clip {clip.name}, frame {material.inspected_frames(0)[0]}."
    )
    return material.sheet(rows, what, [*material.classes(), SCALE])


def by_backbone(material: Material) -> Sheet:
    """Figure 13: the sources' label maps, and their difference maps of labels that all have, side by side.

    The job's last variation is the method itself.
    """
    clip = material.clip()
    looked = [material.variations(source)[-1] for source in range(len(material.titles))]
    frame = material.inspected_frames(0)[0]
    common = sorted(set.intersection(*(set(one.labels_in(0)) for one in looked)))
    if not common:
        raise InputError(f"clip '{clip.name}', frame {frame}: the backbones have no label in common; choose another")
    pictures: list[Shown] = [clip.frames([frame])[0]]
    for one in looked:
        pictures += [material.paint(maps[0]) for maps in (one.coarse, one.labels)]
    lines = [("all labels", pictures)]
    masks = np.stack([looked[0].coarse[0] == label for label in common])
    truth = clip.labels(frame)
    for label in (common[chosen] for chosen in of_all_sizes(masks, material.job.cases)):
        shown: list[Shown] = [None if truth is None else mask_picture(truth == label)]
        for one in looked:
            shown += [mask_picture(one.coarse[0] == label), heat(one.differences[one.place(label, 0)].astype(float))]
        lines.append((_name(material, label), shown))
    columns = ["frame, ground truth", *["coarse map, masks", "label map, difference maps"] * len(looked)]
    heads = [Row([None, *(Panel(None, title, span=2) for title in material.titles)])] if len(looked) > 1 else []
    what = f"Difference maps (before the filter) of each backbone. Clip {clip.name}, frame {frame}."
    gutters = {1 + 2 * i: _GUTTER for i in range(len(looked))}
    width = PAGE if len(looked) > 1 else COLUMN
    return material.sheet([*heads, *table(columns, lines)], what, [*material.classes(), SCALE], width, gutters)


def _maps(looked: InspectedVariation, frame: int) -> NDArray[np.floating]:
    """Difference maps of the labels in a frame, in their order."""
    return np.stack([looked.differences[looked.place(label, frame)] for label in looked.labels_in(frame)])


def _name(material: Material, label: int) -> str:
    if material.legend is None:
        return f"cluster {label}"
    return "void" if label == VOID else material.legend.names[label]
