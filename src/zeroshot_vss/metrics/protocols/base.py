"""A benchmark's rules: how label videos are scored, and how clips are pooled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from zeroshot_vss.datasets.base import LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.base import Metric, mean
from zeroshot_vss.metrics.protocols import PROTOCOLS
from zeroshot_vss.metrics.scores import ClipScores

Figures = dict[str, float | int | str | None]


@dataclass(frozen=True)
class Protocol:
    """How label videos are scored."""

    name: str
    classes: int
    """Valid ids are 0 .. classes - 1."""
    metrics: Callable[[int], list[Metric]]
    """Fresh metrics for one clip, from the number of classes."""
    spread: tuple[str, ...]
    """Figures whose mean and standard deviation over clips are given beside the pooled one."""
    any_classes: bool = False
    """Whether `classes` is only a default."""
    relabel: Callable[[LabelMap], LabelMap] | None = None
    """Applied to truth and predictions first."""


def titles_of(protocol: Protocol) -> dict[str, str]:
    """Figures that a protocol's metrics want to be shown: key of the scores to the title of a column."""
    return {key: title for metric in protocol.metrics(protocol.classes) for key, title in metric.titles.items()}


def get_protocol(name: str, classes: int | None = None) -> Protocol:
    """A protocol by name.

    Args:
        name: a key of `PROTOCOLS`.
        classes: number of classes, 1..255, of data that is scored by the rules of `vspw` but has other classes.

    Raises:
        InputError: there is no such protocol, or its classes are fixed.
    """
    protocol: Protocol = PROTOCOLS.load(name)
    if classes is None or classes == protocol.classes:
        return protocol
    if not protocol.any_classes:
        raise InputError(f"protocol '{name}' has {protocol.classes} classes, not {classes}; leave them out")
    if not 1 <= classes <= 255:
        raise InputError(f"protocol '{name}': {classes} classes; expected 1..255")
    return replace(protocol, classes=classes)


def clip_figures(scores: ClipScores) -> dict[str, float]:
    """The figures of one clip alone. NaN where undefined, as for VC of a clip that is too short."""
    protocol = get_protocol(scores.protocol)
    return {
        name: figure
        for metric in protocol.metrics(protocol.classes)
        for name, figure in metric.pool([scores.arrays]).items()
    }


def pool(scores: Sequence[ClipScores]) -> Figures:
    """Figures over all clips.

    Args:
        scores: one or more clips, scored by one protocol with one number of classes.

    Returns:
        `protocol`, `clips`, `frames`; the metrics' pooled figures (`miou`, `pixel_accuracy`, `mvc8`, ...), shares as
        0..1, NaN where undefined; and for some of them `<figure>_clip_mean` and `<figure>_clip_std` over the clips
        where it is defined (the sample standard deviation; NaN for fewer than two).

    Raises:
        InputError: there are no clips, or they were scored by several protocols or numbers of classes.
    """
    if not scores:
        raise InputError("there are no clips to pool; score at least one")
    names = sorted({clip.protocol for clip in scores})
    shapes = {clip.arrays["confusion"].shape for clip in scores if "confusion" in clip.arrays}
    if len(names) > 1 or len(shapes) > 1:
        kinds = ", ".join(names) + "".join(f", {shape[0]} classes" for shape in sorted(shapes))
        raise InputError(f"clips of different protocols cannot be pooled ({kinds}); score them all by one")
    protocol = get_protocol(names[0])
    figures: Figures = {
        "protocol": protocol.name,
        "clips": len(scores),
        "frames": sum(clip.frames for clip in scores),
    }
    for metric in protocol.metrics(protocol.classes):
        figures.update(metric.pool([clip.arrays for clip in scores]))
    per_clip = [clip_figures(clip) for clip in scores]
    for name in protocol.spread:
        values = np.array([clip[name] for clip in per_clip], np.float64)
        known = values[~np.isnan(values)]
        figures[f"{name}_clip_mean"] = mean(values)
        figures[f"{name}_clip_std"] = float(known.std(ddof=1)) if known.size > 1 else float("nan")
    return figures
