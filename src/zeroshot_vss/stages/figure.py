"""Figure stage: a figure of the paper from the results that it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from zeroshot_vss.figures.drawings import context_and_tracks, stages
from zeroshot_vss.figures.failure_figures import flicker, reconstructions, unseen_classes
from zeroshot_vss.figures.job import FigureJob
from zeroshot_vss.figures.material import Material
from zeroshot_vss.figures.methods import by_blocks, by_clusters, compared, over_time
from zeroshot_vss.figures.modulated import blending, blending_and_filter, by_backbone, by_modulated_block
from zeroshot_vss.figures.queries import principal_components
from zeroshot_vss.figures.style import Sheet

FIGURES: dict[str, Callable[[Material], Sheet]] = {
    "figure1": over_time,
    "figure2": principal_components,
    "figure3": stages,
    "figure4": context_and_tracks,
    "figure5": compared,
    "figure6": by_blocks,
    "figure7": blending,
    "figure8": reconstructions,
    "figure9": flicker,
    "figure10": unseen_classes,
    "figure11": by_modulated_block,
    "figure12": blending_and_filter,
    "figure13": by_backbone,
    "figure14": by_clusters,
    "figure15": principal_components,
}
"""By the paper's numbers."""


def run(job: FigureJob) -> None:
    """Draw the figure."""
    FIGURES[job.figure](Material(job)).save(Path(job.pdf), Path(job.png))
