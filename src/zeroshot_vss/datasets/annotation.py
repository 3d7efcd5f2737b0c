"""The annotation that names the clusters."""

from __future__ import annotations

from zeroshot_vss.datasets.base import VOID, Clip, DataSet, LabelMap
from zeroshot_vss.errors import InputError


def annotation(dataset: DataSet, clip: Clip) -> LabelMap | None:
    """The annotation of the clip's reference frame (the first but for few data sets).

    None where clusters are the labels.

    Raises:
        InputError: the data set has classes, but the reference frame has no annotation or only void.
    """
    if dataset.legend_of(clip.name) is None:
        return None
    labels = clip.labels(clip.reference)
    if labels is None or (labels == VOID).all():
        what = "is void everywhere" if labels is not None else "is missing"
        first = clip.reference == 0
        raise InputError(
            f"clip '{clip.name}': the annotation of the {'first' if first else 'reference'} frame "
            f"({clip.frame_name(clip.reference)}) {what}; it names the clusters, so "
            + ("the clip must begin at an annotated frame" if first else "leave the clip out")
        )
    return labels
