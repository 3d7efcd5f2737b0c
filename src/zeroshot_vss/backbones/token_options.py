"""Which tokens of a transformer are its features: the options of its kinds."""

from __future__ import annotations

from typing import Literal

from zeroshot_vss.backbones.module_path import ModulePath
from zeroshot_vss.settings.base import NonNegative, Settings


class TransformerOptions(Settings):
    """Which tokens of a diffusion transformer are its features."""

    take: Literal["output", "queries", "keys", "modulated"] = "output"
    """What is taken of a block: `output`, `queries`, `keys`, or `modulated`: its input after the block's AdaLN, as
    its self-attention sees it, where channels of massive values are scaled down (DiTF, arXiv 2505.18584)."""
    module: ModulePath | None = None
    """A module whose output is taken in place of `take`: `transformer_blocks.{block}.ff`."""
    drop: tuple[NonNegative, ...] = ()
    """Channels that are set to 0."""
    massive: NonNegative = 0
    """How many channels of the largest mean magnitude are set to 0, too; chosen once on a picture of two gradients,
    so that they are the same for all clips."""
    guidance: float = 3.5
    """What models are told that were distilled with guidance (FLUX.1-dev); `sampling.guidance` stays 1."""


class VisionOptions(Settings):
    """Which tokens of a vision transformer are its features."""

    take: Literal["output", "queries", "keys", "values"] = "output"
    """What is taken of a block: `output`, `queries`, `keys` or `values`. SAM 2 has `output` alone."""
    normed: bool = True
    """Whether a block's output goes through the model's last norm, as DINOv2 hands out its intermediate layers."""
    module: ModulePath | None = None
    """A module whose output is taken in place of `take`: `encoder.layer.{block}.mlp` in DINOv2,
    `model.layer.{block}.mlp` in DINOv3."""
