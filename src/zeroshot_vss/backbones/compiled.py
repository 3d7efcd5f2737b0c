"""Compiling the parts of a network into which nothing looks: hooks and attention processors stay as they are."""

from __future__ import annotations

from typing import Any

import torch
from diffusers.models.attention import FeedForward
from diffusers.models.resnet import ResnetBlock2D, TemporalResnetBlock

PARTS = (ResnetBlock2D, TemporalResnetBlock, FeedForward)
"""Normalisation, activation and residual around convolutions and products: what is gained is their memory traffic."""
SHAPES = 64
"""Variants of one class's code: blocks differ in width, calls in the number of passes."""


def compile_parts(*networks: Any) -> None:
    """Let `torch.compile` make kernels of the networks' :data:`PARTS`, in place, when they are first called."""
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, SHAPES)
    for network in networks:
        parts: list[Any] = [module for module in network.modules() if isinstance(module, PARTS)]
        for module in parts:
            module.forward = torch.compile(module.forward)
