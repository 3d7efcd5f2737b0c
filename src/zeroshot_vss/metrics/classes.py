"""Scores of single classes, from the confusion matrices that are kept of each clip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zeroshot_vss.metrics.confusion import ConfusionMetric, iou_of
from zeroshot_vss.metrics.protocols.base import Protocol, get_protocol
from zeroshot_vss.metrics.scores import ClipScores
from zeroshot_vss.metrics.statistics import interval, resamples


@dataclass(frozen=True)
class ClassScore:
    """One class over all clips; shares are 0..1."""

    label: int
    clips: int
    """Those whose ground truth holds it."""
    share: float
    """Of the labelled pixels."""
    iou: float
    low: float
    """Ends of the interval of the IoU; NaN where fewer than two clips hold the class."""
    high: float
    recall: float
    """Of its pixels those that are right."""
    confused_with: int | None
    """The other class that most of its pixels are taken for; None where there are none."""
    confused: float
    """Of its pixels those that are taken for that class."""
    unlabelled: float
    """Of its pixels those without a prediction."""


def confusion_of(protocol: Protocol) -> ConfusionMetric | None:
    """The metric of a protocol that counts pixels by class; None where it has none."""
    found = [metric for metric in protocol.metrics(protocol.classes) if isinstance(metric, ConfusionMetric)]
    return found[0] if found else None


def class_scores(clips: Sequence[ClipScores]) -> list[ClassScore]:
    """Scores of every class with ground truth, by label.

    IoU is that which the protocol's mean is made of. Its interval is that of the bootstrap over clips, see
    :mod:`zeroshot_vss.metrics.statistics`: counts are summed anew for each draw, and draws without ground truth of
    the class are left out. For the correction for few clips those count that hold the class.

    Args:
        clips: one or more of one protocol, in any order.

    Returns:
        Nothing where the protocol counts no classes.
    """
    metric = confusion_of(get_protocol(clips[0].protocol))
    if metric is None:
        return []
    ordered = sorted(clips, key=lambda clip: clip.clip)
    # As the metric counts them: Cityscapes leaves out pixels whose truth is not evaluated.
    counts = np.stack([metric.addends(clip.arrays) for clip in ordered])
    pixels = counts.reshape(len(ordered), 3, -1)
    whole, draws = pixels.sum(axis=0), resamples(len(ordered)).astype(np.float64)
    confusion = np.sum([clip.arrays["confusion"] for clip in ordered], axis=0)
    iou, labelled = iou_of(whole), whole[1].sum()
    scores = []
    for label in np.flatnonzero(whole[1]).tolist():
        drawn = draws @ pixels[:, :, label]
        known = iou_of(drawn[:, :, None])[:, 0]
        known[drawn[:, 1] == 0] = np.nan
        holding = int(np.count_nonzero(pixels[:, 1, label]))
        low, high = interval(known, holding)
        taken, total = confusion[label].astype(np.float64), whole[1, label]
        others = np.where(np.arange(len(taken) - 1) == label, -1, taken[:-1])
        most = int(others.argmax()) if len(others) > 1 else label
        other = most if others[most] > 0 else None
        scores.append(
            ClassScore(
                label, holding, float(total / labelled), float(iou[label]), low, high, float(taken[label] / total),
                other, 0.0 if other is None else float(taken[other] / total), float(taken[-1] / total),
            )
        )  # fmt: skip
    return scores
