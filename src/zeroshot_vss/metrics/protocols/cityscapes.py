"""Cityscapes, by its official program and as the paper scores it."""

from __future__ import annotations

from zeroshot_vss.metrics.cityscapes import LABEL_IDS, CityscapesMetric
from zeroshot_vss.metrics.confusion import ConfusionMetric
from zeroshot_vss.metrics.protocols.base import Protocol

OFFICIAL = Protocol("cityscapes-official", LABEL_IDS, lambda classes: [CityscapesMetric()], ("miou",))
PAPER = Protocol("cityscapes-paper", LABEL_IDS, lambda classes: [ConfusionMetric(classes)], ("miou",))
