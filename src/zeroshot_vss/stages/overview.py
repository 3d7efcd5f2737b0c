"""Overview stage: frames, ground truth and every method's maps side by side."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.datasets import Clip
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.palette import cluster_colours, overlay
from zeroshot_vss.io.store import Manifest, find_files, open_clip
from zeroshot_vss.jobs.overview import OverviewJob


def run(job: OverviewJob) -> None:
    """Draw the figure (PNG)."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.patches import Patch

    dataset = job.open()
    legend = dataset.legend
    colours = cluster_colours(256) if legend is None else legend.colours
    clips = [dataset.clip(name) for name in job.clips]
    files = [find_files(job.clips, [Manifest.load(path) for path in parts.paths()]) for parts in job.maps]
    shown = [(clip, frame) for clip in clips for frame in job.frames if frame < len(clip)]
    titles = ("frame", "ground truth", *job.titles)
    height, width = clips[0].size
    fig, axes = plt.subplots(
        len(shown), len(titles), squeeze=False, figsize=(1.75 * len(titles), 1.82 * height / width * len(shown) + 0.7)
    )
    for (clip, frame), line in zip(shown, axes, strict=True):
        picture = clip.frames([frame])[0]
        for axis, image in zip(line, _pictures(clip, frame, picture, files, colours), strict=True):
            axis.imshow(image, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(f"{clip.name}\nframe {frame}", fontsize=6)
    for axis, title in zip(axes[0], titles, strict=True):
        axis.set_title(title, fontsize=8)
    if legend is not None:
        patches = [Patch(color=c / 255, label=n) for n, c in zip(legend.names, legend.colours, strict=True)]
        fig.legend(handles=patches, loc="lower center", ncols=min(len(patches), 11), fontsize=7, frameon=False)
    across, down = fig.get_size_inches()
    fig.subplots_adjust(0.36 / across, 0.35 / down, 0.999, 1 - 0.25 / down, 0.02, 0.03)
    with replacing(Path(job.picture)) as partial:
        fig.savefig(partial, dpi=150, format="png", metadata={"Software": None})
    plt.close(fig)


def _pictures(
    clip: Clip, frame: int, picture: NDArray[np.uint8], files: list[dict[str, Path]], colours: NDArray[np.uint8]
) -> list[NDArray[np.uint8]]:
    maps = [clip.labels(frame)]
    for results in files:
        with open_clip(results[clip.name]) as file:
            maps.append(file["maps"][frame])
    blank = np.full_like(picture, 255)
    return [picture, *(blank if m is None else overlay(blank, m, colours, 1.0) for m in maps)]
