"""Filters that follow the edges of a frame. Lengths are in cells, so that they hold for frames of any size."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from zeroshot_vss.settings.base import Settings

AboveZero = Annotated[float, Field(gt=0)]


class JointBilateral(Settings):
    """Joint bilateral upsampling of masks (Kopf et al. 2007)."""

    spatial: AboveZero = 0.7
    """Standard deviation of the weights over distance, in cells."""
    colour: AboveZero = 0.2
    """Standard deviation of the weights over the distance of two colours, whose channels are 0 to 1."""


class GuidedFilter(Settings):
    """The guided filter with a guide of three channels (He et al. 2010)."""

    radius: AboveZero = 1.25
    """Half the side of a window, in cells; at least one pixel."""
    epsilon: AboveZero = 0.0001
    """What is added to the variances of the guide, whose channels are 0 to 1: edges below its root are smoothed."""
