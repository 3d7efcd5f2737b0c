"""Denoising as the equations have it: the whole UNet at every step, steered by forward hooks alone.

This is what the fast path is measured against; it shares no code with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from zeroshot_vss.settings.upsampling import Modulation

Projections = dict[str, Tensor]


@contextmanager
def hooked(module: nn.Module, change: Any) -> Iterator[None]:
    """`change(output)` takes the place of the module's output, unless it is None."""
    handle = module.register_forward_hook(lambda _module, _inputs, output: change(output))
    try:
        yield
    finally:
        handle.remove()


def projections(unet: nn.Module) -> dict[str, nn.Module]:
    """Query and key projections of all attention layers of the decoder."""
    decoder: Any = unet.up_blocks
    return {name: module for name, module in decoder.named_modules() if name.endswith((".to_q", ".to_k"))}


@dataclass
class Trace:
    """States after each step (the start under `first - 1`), and the projections of each step."""

    states: dict[int, Tensor] = field(default_factory=dict)
    kept: dict[int, Projections] = field(default_factory=dict)


@dataclass
class Literal:
    """A UNet with its schedule, contexts [parts, tokens, width] (unconditional first, if there are two) and scale."""

    unet: Any
    sigmas: Tensor
    timesteps: Tensor
    contexts: Tensor
    guidance: float

    def step(self, x: Tensor, i: int) -> Tensor:
        """One Euler step from states [n, c, h, w]."""
        parts = len(self.contexts)
        inputs = (x / (self.sigmas[i] ** 2 + 1) ** 0.5).repeat(parts, 1, 1, 1)
        context = self.contexts.repeat_interleave(len(x), 0)
        output = self.unet(inputs, self.timesteps[i], encoder_hidden_states=context).sample
        if parts == 2:
            unconditional, conditional = output.chunk(2)
            output = unconditional + self.guidance * (conditional - unconditional)
        return x + (self.sigmas[i + 1] - self.sigmas[i]) * output

    @torch.inference_mode()
    def plain(self, start: Tensor, first: int) -> Trace:
        """Denoise [n, c, h, w] from step `first` to the end."""
        trace = Trace({first - 1: start})
        for i in range(first, len(self.timesteps)):
            trace.kept[i] = {}
            with ExitStack() as stack:
                for name, module in projections(self.unet).items():
                    keep = partial(trace.kept[i].__setitem__, name)
                    stack.enter_context(hooked(module, keep))
                trace.states[i] = self.step(trace.states[i - 1], i)
        return trace

    @torch.inference_mode()
    def modulated(
        self, trace: Trace, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        """Final latents of passes with lambda M added to a block's cross-attention output.

        Args:
            trace: plain pass of n frames.
            frames: [m] of them.
            masks: [m, h, w] of 0 and 1, of the block's size.
            strengths: [m], with sign.
            modulation: block, step, injection and blending.
        """
        parts = len(self.contexts)
        rows = torch.cat([frames + part * len(trace.states[modulation.step]) for part in range(parts)])
        x = trace.states[modulation.step - 1][frames]
        scale = x.shape[-1] // masks.shape[-1]
        masks = masks.to(x.dtype)
        blend = masks.repeat_interleave(scale, 1).repeat_interleave(scale, 2)[:, None]
        shift = (strengths[:, None] * masks.flatten(1)).repeat(parts, 1)[:, :, None]
        transformer = self.unet.up_blocks[modulation.block // 3].attentions[modulation.block % 3]
        attention = transformer.transformer_blocks[0].attn2
        for i in range(modulation.step, len(self.timesteps)):
            with ExitStack() as stack:
                if modulation.injection:
                    for name, module in projections(self.unet).items():
                        given = trace.kept[i][name][rows]
                        stack.enter_context(hooked(module, lambda _output, given=given: given))
                if i == modulation.step:
                    stack.enter_context(hooked(attention, lambda output: output + shift))
                x = self.step(x, i)
            if modulation.blend_through is not None and i <= modulation.blend_through:
                x = blend * x + (1 - blend) * trace.states[i][frames]
        return x
