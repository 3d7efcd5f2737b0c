"""Methods without a diffusion model."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from zeroshot_vss.settings.base import Clusters, Positive, Seed, Settings
from zeroshot_vss.settings.batches import Batches


class Baseline(Settings):
    """Methods without a diffusion model."""

    kind: Literal["first-frame", "colour"] = "colour"
    """`first-frame` copies the first frame's annotation; `colour` clusters colour and position."""
    cell: Positive = 1
    """Side in pixels of the cells that are clustered; 1 is full resolution, 8 the feature grid of the default."""
    position: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the position (-1..1 over the frame) beside the colour (-1..1)."""
    clusters: Clusters = 20
    """K of K-Means."""
    initialisations: Positive = 3
    """K-Means runs, of which the best is kept."""
    classifier: Literal["centroids", "knn", "propagation"] = "centroids"
    """`centroids`: the first frame's clusters label all frames. `knn`: the paper's context model in batches.
    `propagation`: label propagation, as `context.propagation` has it by default."""
    batches: Batches = Batches()
    """How a clip is cut into batches, on which labels depend with `knn` alone."""
    seed: Seed = 1
    """Of K-Means; the configuration's `seed`."""
