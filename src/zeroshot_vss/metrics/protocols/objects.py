"""Video object segmentation: DAVIS 2016 and 2017, CLVOS."""

from __future__ import annotations

from zeroshot_vss.metrics.davis import ObjectMetric, one_object
from zeroshot_vss.metrics.protocols.base import Protocol

_OBJECTS = 255
_SPREAD = ("j_and_f", "j_mean", "f_mean")

DAVIS_2016 = Protocol("davis-2016", _OBJECTS, lambda classes: [ObjectMetric()], _SPREAD, relabel=one_object)
DAVIS_2017 = Protocol("davis-2017", _OBJECTS, lambda classes: [ObjectMetric()], _SPREAD)
CLVOS = Protocol("clvos", _OBJECTS, lambda classes: [ObjectMetric(keep_last=True)], _SPREAD, relabel=one_object)
