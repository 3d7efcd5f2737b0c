"""Figures of features (2 and 15)."""

from __future__ import annotations

from zeroshot_vss.figures.material import Material
from zeroshot_vss.figures.pca import Features, feature_rows, principal_colours
from zeroshot_vss.figures.style import COLUMN, PAGE, Sheet
from zeroshot_vss.io.store import open_clip

_GUTTER = 0.08


def principal_components(material: Material) -> Sheet:
    """Each source's features of its block as colours, of spatial and, in video models, of temporal attention."""
    job, clip = material.job, material.clip()
    frames = material.inspected_frames(0)
    compared = [Features("frames", clip.frames(frames))]
    for source, (title, block) in enumerate(zip(material.titles, job.blocks, strict=True)):
        with open_clip(material.results[source][clip.name]) as file:
            kinds = [kind for kind in ("spatial", "temporal") if f"{kind}{block}" in file]
        for kind in kinds:
            colours = principal_colours(material.inspected(source, f"{kind}{block}"))  # pyright: ignore
            compared.append(Features(f"{title}, block {block}, {kind}", colours))
    names = f"frame {frames[0]}", f"frame {frames[-1]}"
    rows = feature_rows(compared, (0, len(frames) - 1), names, job.slice_at)
    what = (
        "First three principal components of self-attention queries as red, green and blue, fitted on all frames of "
        "the batch together; below, the x-t slice of the marked row. "
        f"Clip {clip.name}, frames {frames[0]} to {frames[-1]}."
    )
    gutters = {2 * i: _GUTTER for i in range(1, len(compared))}
    return material.sheet(rows, what, [], PAGE if len(compared) > 2 else COLUMN, gutters)
