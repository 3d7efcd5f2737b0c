"""The annotation that names the clusters."""

from __future__ import annotations

from zeroshot_vss.datasets.base import VOID, Clip, DataSet, LabelMap
from zeroshot_vss.errors import InputError


def annotation(dataset: DataSet, clip: Clip) -> LabelMap | None:
    """The first frame's annotation, or None where clusters are the labels.

    Raises:
        InputError: the data set has classes, but the first frame has no annotation or only void.
    """
    if dataset.legend is None:
        return None
    labels = clip.labels(0)
    if labels is None or (labels == VOID).all():
        what = "is void everywhere" if labels is not None else "is missing"
        raise InputError(
            f"clip '{clip.name}': the annotation of the first frame ({clip.frame_name(0)}) {what}; "
            "it names the clusters, so the clip must begin at an annotated frame"
        )
    return labels
