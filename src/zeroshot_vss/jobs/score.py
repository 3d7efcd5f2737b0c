"""Scoring jobs."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.jobs.base import ClipsJob, Parts


class ScoreJob(ClipsJob):
    """The scores of a row over all clips of a data set."""

    stage: ClassVar[str] = "score"

    protocol: str
    classes: int | None
    """Number of classes where the protocol leaves it open."""
    masks: Parts
    """Manifests of the checked annotations."""
    maps: Parts | None = None
    """Manifests of the label maps; None for another system's."""
    predictions: str | None = None
    """Folder of another system's label maps."""
    checked: str | None = None
    """What the check found in that folder."""
    scores: str
    """JSON of the pooled figures; those of each clip lie beside it as CSV, what pooling needs of each as .npz."""

    def inputs(self) -> list[str]:
        made = self.maps.paths() if self.maps else []
        return [*self.masks.paths(), *made, *([self.checked] if self.checked else [])]

    def outputs(self) -> list[str]:
        return [self.scores, *(self.scores.removesuffix(".json") + ending for ending in (".csv", ".npz"))]
