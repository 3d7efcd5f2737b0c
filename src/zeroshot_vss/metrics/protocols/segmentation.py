"""Semantic segmentation of videos: regions, consistency, boundaries."""

from __future__ import annotations

from zeroshot_vss.metrics.base import Metric
from zeroshot_vss.metrics.boundary import BoundaryMetric
from zeroshot_vss.metrics.confusion import ConfusionMetric
from zeroshot_vss.metrics.consistency import ConsistencyMetric
from zeroshot_vss.metrics.protocols.base import Protocol


def _metrics(classes: int) -> list[Metric]:
    return [ConfusionMetric(classes), ConsistencyMetric(), BoundaryMetric(classes)]


VSPW = Protocol("vspw", 124, _metrics, ("miou", "mvc8"), any_classes=True)
CAMVID_11 = Protocol("camvid-11", 11, _metrics, ("miou", "mvc8"))
CAMVID_32 = Protocol("camvid-32", 32, _metrics, ("miou", "mvc8"))
