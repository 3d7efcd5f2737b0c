"""How sure figures and their differences are, with clips as the units: frames of one clip are too much alike.

Every figure is pooled anew for each draw, by the metric's own rule.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols.base import get_protocol
from zeroshot_vss.metrics.scores import ClipScores

DRAWS, SEED, LEVEL = 10_000, 1, 0.95
FEW = 5
"""Clips below which an interval is too narrow to be relied on."""
_TOLERANCE = 1e-12

Draws = NDArray[np.float64]


@lru_cache(maxsize=4)
def resamples(clips: int) -> NDArray[np.int64]:
    """Bootstrap (Efron 1979): int64 [DRAWS, clips], how often each draw with replacement holds each clip."""
    drawn = np.random.default_rng(SEED).integers(0, clips, (DRAWS, clips)) + clips * np.arange(DRAWS)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=DRAWS * clips).reshape(DRAWS, clips)
    counts.flags.writeable = False
    return counts


@lru_cache(maxsize=4)
def exchanges(clips: int) -> NDArray[np.int64]:
    """Which clips two rows exchange: [draws, clips] of 0 and 1, all 2 ** clips ways or, if more than DRAWS, DRAWS."""
    if 2**clips <= DRAWS:
        ways = np.array(list(itertools.product((0, 1), repeat=clips)), np.int64)
    else:
        ways = np.random.default_rng(SEED).integers(0, 2, (DRAWS, clips))
    ways.flags.writeable = False
    return ways


def interval(draws: Draws, clips: int) -> tuple[float, float]:
    """The middle LEVEL of bootstrap draws, its ends moved out for few clips ("expanded percentile", Hesterberg 2015).

    Args:
        draws: figures of the draws; NaN ones are left out.
        clips: number of clips that were drawn from.

    Returns:
        Lower and upper end; NaN for fewer than two clips.
    """
    known = draws[~np.isnan(draws)]
    if clips < 2 or len(known) == 0:
        return float("nan"), float("nan")
    # A mean's percentiles are too narrow by sqrt((n - 1) / n), and by the normal in place of Student's distribution.
    tail = ndtr(np.sqrt(clips / (clips - 1)) * stdtrit(clips - 1, (1 - LEVEL) / 2))
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)


def mean_interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Interval of the mean of [n] figures, NaN ones left out, in whatever order. NaN for fewer than two."""
    known = np.sort(values[~np.isnan(values)])
    if len(known) < 2:
        return float("nan"), float("nan")
    return interval(resamples(len(known)) @ known / len(known), len(known))


@dataclass(frozen=True)
class Resampled:
    """A row's clips, its pooled figures, and those of the bootstrap's draws of its clips."""

    clips: tuple[ClipScores, ...]
    """By name."""
    figures: Mapping[str, float]
    draws: Mapping[str, Draws]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the clips."""
        return tuple(clip.clip for clip in self.clips)

    def interval(self, figure: str) -> tuple[float, float]:
        """See `interval`; NaN for a figure that is not pooled."""
        if figure not in self.draws:
            return float("nan"), float("nan")
        return interval(self.draws[figure], len(self.clips))


@dataclass(frozen=True)
class Comparison:
    """What one row has more than another of a figure, over the same clips."""

    difference: float
    low: float
    high: float
    p: float


def pool_draws(clips: Sequence[ClipScores], counts: NDArray[np.int64]) -> dict[str, Draws]:
    """The protocol's figures of many draws of clips, see :meth:`zeroshot_vss.metrics.base.Metric.pool_draws`."""
    protocol = get_protocol(clips[0].protocol)
    arrays = [clip.arrays for clip in clips]
    figures: dict[str, Draws] = {}
    for metric in protocol.metrics(protocol.classes):
        figures |= metric.pool_draws(arrays, counts)
    return figures


def resample(clips: Sequence[ClipScores]) -> Resampled:
    """Bootstrap a row. Rows of as many clips get the same draws, so that their differences are paired.

    Args:
        clips: one or more of one protocol, in any order.
    """
    ordered = tuple(sorted(clips, key=lambda clip: clip.clip))
    whole = pool_draws(ordered, np.ones((1, len(ordered)), np.int64))
    figures = {name: float(values[0]) for name, values in whole.items()}
    return Resampled(ordered, figures, pool_draws(ordered, resamples(len(ordered))))


def compare(one: Resampled, other: Resampled) -> dict[str, Comparison]:
    """Differences `one` - `other` of the figures that both have.

    The interval is that of the paired bootstrap. p is two-sided, of the permutation test that exchanges the two rows'
    results of whole clips and pools anew (Noreen 1989; Yeh 2000): exact where all exchanges are made; else counted
    with the one that was observed (Phipson and Smyth 2010), so that it is never 0. An undefined difference counts as
    a large one.

    Raises:
        InputError: the rows have other clips than each other.
    """
    if one.names != other.names:
        raise InputError(f"rows of different clips cannot be compared ({one.names}; {other.names})")
    count = len(one.clips)
    ways = exchanges(count)
    both = (*one.clips, *other.clips)
    first, second = (pool_draws(both, np.hstack(sides)) for sides in ((1 - ways, ways), (ways, 1 - ways)))
    comparisons = {}
    for name, value in one.figures.items():
        observed = value - other.figures[name]
        if not np.isnan(observed):
            small = np.abs(first[name] - second[name]) < abs(observed) - _TOLERANCE
            large = len(ways) - np.count_nonzero(small)
            p = large / len(ways) if len(ways) == 2**count else (large + 1) / (len(ways) + 1)
            low, high = interval(one.draws[name] - other.draws[name], count)
            comparisons[name] = Comparison(observed, low, high, float(p))
    return comparisons


def least_p(clips: int) -> float:
    """The least p that `compare` can find: of all exchanges, none and that of every clip are as large as observed."""
    return max(2 / 2**clips, 1 / (DRAWS + 1))


def holm(p: Sequence[float]) -> list[float]:
    """Adjust p of several tests so that the chance of any false finding stays below the level (Holm 1979).

    Returns:
        In the order given, 0..1.
    """
    values = np.asarray(p, np.float64)
    order = np.argsort(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1)
    return adjusted.tolist()
