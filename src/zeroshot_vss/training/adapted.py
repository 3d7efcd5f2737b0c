"""The network that is adapted, and passes through parts of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from safetensors.torch import load_file
from torch import Tensor, nn

from zeroshot_vss.backbones.hooks import recording
from zeroshot_vss.training.stored import load_stored

BLOCKS = (6, 7, 8)
"""The decoder blocks whose queries the method takes: one level of the decoder."""


class LevelInput(NamedTuple):
    """What reaches that level in the pass of n latents."""

    hidden: Tensor
    skips: tuple[Tensor, ...]
    time: Tensor
    """[n, width] embedding of the timesteps."""


class Adapted(nn.Module):
    """The denoiser of a backbone's folder, its learned context, and its frozen encoder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.unet = load_stored(UNet2DConditionModel, folder / "unet")
        self.context = nn.Parameter(load_file(folder / "context.safetensors")["context"].float())
        vae = load_stored(AutoencoderTiny, folder / "vae")
        self.encoder = [vae.encoder.eval().requires_grad_(False)]
        self.unet = self.unet.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        level: Any = self.unet.up_blocks[BLOCKS[0] // 3]
        self.level, self.last = [level], level.attentions[-1]
        self.queries = {str(b): level.attentions[b % 3].transformer_blocks[0].attn1.to_q for b in BLOCKS}

    @torch.no_grad()
    def encode(self, images: Tensor, margin: int) -> Tensor:
        """Latents [n, 4, h, w] of images in [-1, 1]; `margin` latents are reflected around and cut off again."""
        if margin == 0:
            return self.encoder[0](images)
        wide = nn.functional.pad(images, (4 * margin,) * 4, mode="reflect")
        return self.encoder[0](wide)[..., margin:-margin, margin:-margin]

    def forward(self, noisy: Tensor, timesteps: Tensor, whole: bool = True) -> tuple[Tensor | None, Tensor]:
        """Predicted noise, and the queries [2, n, cells, channels]: the mean of the blocks, and block 7's.

        The pass ends at the last of the queries unless it is to be `whole`; then there is no predicted noise.
        """
        context = self.context.expand(len(noisy), -1, -1)
        predicted = None
        with recording(self.queries) as tape, _ending(None if whole else self.queries[str(BLOCKS[-1])]):
            predicted = self.unet(noisy, timesteps, context).sample
        return predicted, torch.stack([torch.stack(list(tape.values())).mean(0), tape["7"]])

    @torch.no_grad()
    def until_level(self, noisy: Tensor, timesteps: Tensor) -> tuple[LevelInput, Tensor]:
        """What reaches the level, and the output of its last block."""
        inputs: dict[str, Any] = {}

        def keep(_module: nn.Module, arguments: Any, named: dict[str, Any]) -> None:
            inputs.update(named)

        handle = self.level[0].register_forward_pre_hook(keep, with_kwargs=True)
        context = self.context.expand(len(noisy), -1, -1)
        try:
            with recording({"last": self.last}) as tape, _ending(self.last):
                self.unet(noisy, timesteps, context)
        finally:
            handle.remove()
        given = LevelInput(inputs["hidden_states"], inputs["res_hidden_states_tuple"], inputs["temb"])
        return given, tape["last"][0]

    def level_pass(self, given: LevelInput) -> tuple[Tensor, Tensor]:
        """Output of the level's last block, and the queries as of `forward`."""
        context = self.context.expand(len(given.hidden), -1, -1)
        with recording(self.queries | {"last": self.last}) as tape, _ending(self.last):
            self.level[0](given.hidden, given.skips, given.time, context)
        queries = [tape[str(b)] for b in BLOCKS]
        return tape["last"][0], torch.stack([torch.stack(queries).mean(0), tape["7"]])


class _StopForward(Exception):
    """Ends a forward pass."""


@contextmanager
def _ending(module: nn.Module | None) -> Iterator[None]:
    """End the forward pass made inside once the module has given its output; None lets it run."""
    if module is None:
        yield
        return

    def end(*_: object) -> None:
        raise _StopForward

    handle = module.register_forward_hook(end)
    try:
        yield
    except _StopForward:
        pass
    finally:
        handle.remove()
