"""An image diffusion transformer of diffusers as a backbone: noised latents, one pass, tokens of its blocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import PlainPass, Start
from zeroshot_vss.backbones.encoding import encode_images, to_images
from zeroshot_vss.backbones.families.base import Call, Family
from zeroshot_vss.backbones.features_only import FeaturesOnly
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.backbones.module_path import path_of
from zeroshot_vss.backbones.noise_path import NoisePath, make_path
from zeroshot_vss.backbones.token_grids import TokenGrids
from zeroshot_vss.backbones.token_hooks import Tap, module_at, tapped
from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

if TYPE_CHECKING:
    from zeroshot_vss.backbones.token_options import TransformerOptions

PROJECTIONS = {"queries": "to_q", "keys": "to_k", "modulated": "to_q"}
"""In the self-attention; of `modulated` the input counts."""
PICTURE = 16
"""Tokens of a side of the picture on which massive channels are found, at most."""


class TokenDiffusion(FeaturesOnly):
    """Frames are denoised each for itself, under the empty prompt, without guidance.

    Args:
        name: as in the config, for messages.
        network: a transformer of diffusers, unmodified.
        family: how it is called.
        vae: an `AutoencoderKL`.
        scheduler_config: as in its scheduler folder.
        prompt: embeddings of the empty prompt by name.
        grids: sizes of its tokens' grids.
        options: which tokens are taken.
        unmodulated: see :class:`FeaturesOnly`.
    """

    def __init__(
        self,
        name: str,
        network: Any,
        family: Family,
        vae: Any,
        scheduler_config: Mapping[str, Any],
        prompt: Mapping[str, Tensor],
        grids: TokenGrids,
        options: TransformerOptions,
        unmodulated: str,
    ) -> None:
        super().__init__(name, grids, unmodulated)
        self.network, self.family = network.eval().requires_grad_(False), family
        self.vae = vae.eval().requires_grad_(False)
        self.scheduler_config, self.options = scheduler_config, options
        self.device, self.dtype = network.device, network.dtype
        self.prompt = {key: value.to(self.device, self.dtype) for key, value in prompt.items()}
        self.images = AdaptiveBatches(16)
        assert grids.latent is not None
        self.factor = grids.latent
        self._paths: dict[int, NoisePath] = {}
        self._massive: dict[tuple[int, int, int], Tensor] = {}

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return self.family.latents(self.network.config), height // self.factor, width // self.factor

    def path(self, steps: int) -> NoisePath:
        """The path of `steps` steps."""
        if steps not in self._paths:
            self._paths[steps] = make_path(self.scheduler_config, steps)
        return self._paths[steps]

    @torch.inference_mode()
    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None, margin: int = 0) -> Tensor:
        if excess := self.grids.excess((frames.shape[1], frames.shape[2])):
            raise InputError(f"{self.whose}: {excess}")
        images = to_images(frames)

        def encoded(some: slice) -> Tensor:
            drawn = None if noise is None else noise[some]
            return encode_images(self.vae, images[some], drawn, margin, self.factor, self.device)

        latents = torch.cat(list(self.images.parts(len(images), encoded)))
        return (latents - (self.vae.config.get("shift_factor") or 0.0)) * self.vae.config.scaling_factor

    @torch.inference_mode()
    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return self.path(sampling.steps).noised(latents, noise.to(latents.device), sampling.start)

    @torch.inference_mode()
    def denoise(
        self,
        start: Start,
        sampling: Sampling,
        queries: Sequence[tuple[int, int]] = (),
        modulation: Modulation | None = None,
        last: int | None = None,
    ) -> PlainPass:
        if modulation is not None:
            self._refuse()
        plain = self._pass(start, sampling, queries, last)
        for (block, step), tokens in plain.queries.items():
            plain.queries[block, step] = self._without(tokens, block, step, sampling)
        return plain

    def _pass(
        self, start: Start, sampling: Sampling, queries: Sequence[tuple[int, int]], last: int | None
    ) -> PlainPass:
        """The same with all channels. A pass whose tokens are the last that is wanted ends at their block."""
        plain, frames = PlainPass(sampling, origins=start.origins), len(start.latents)
        plain.states[sampling.start - 1], x = start.latents, self.joined(start.latents)
        path, end = self.path(sampling.steps), sampling.steps - 1 if last is None else last
        for step in range(sampling.start, end + 1):
            asked = {block: self._tap(block, x) for block, at in queries if at == step}
            call = Call(
                x.to(self.dtype), path.timesteps[step].item(), self.prompt, self.factor, self.grids.group,
                self.options.guidance,
            )  # fmt: skip
            stop = bool(asked) and step == end
            with ExitStack() as stack:
                seen = stack.enter_context(tapped(asked, stop=stop)) if asked else {}
                output = self.network(**self.family.inputs(self.network, call), return_dict=False)[0]
                x = path.advance(x, self.family.prediction(output, call).float(), step)
                plain.states[step] = self.states_of(x, frames)
            for block, given in seen.items():
                plain.queries[block, step] = tokens = self.tokens_of(given.clone(), x, frames)
                check_finite(tokens, f"block {block} at step {step}", self.name, plain.origins)
        check_finite(self.states_of(x, frames), "denoising", self.name, plain.origins)
        return plain

    def joined(self, latents: Tensor) -> Tensor:
        """What the network is handed of the latents [n, c, h, w] of n frames: here each is a picture of its own."""
        return latents

    def states_of(self, x: Tensor, frames: int) -> Tensor:
        """States [n, c, h, w] of n frames, from what is `joined`."""
        return x

    def tokens_of(self, tokens: Tensor, x: Tensor, frames: int) -> Tensor:
        """Tokens [n, h * w, C] of n frames, from those of what is `joined`."""
        return tokens

    def _tap(self, block: int, x: Tensor) -> Tap:
        rows, columns = self.grid(x.shape[-2] * self.factor, x.shape[-1] * self.factor, block)
        cells, take, family = rows * columns * (x.shape[2] if x.ndim == 5 else 1), self.options.take, self.family

        def pick(value: Any) -> Tensor:
            tokens = value if isinstance(value, Tensor) else value[-1 if family.text_given_first else 0]
            if tokens.ndim != 3 or tokens.shape[1] < cells:
                raise InputError(
                    f"{self.whose}: options.module gives {tuple(tokens.shape)}; expected one token for each of the "
                    f"{rows} x {columns} cells"
                )
            return tokens[:, -cells:] if family.text_first else tokens[:, :cells]

        path = self.family.path(self.network.config, block)
        if self.options.module is not None:
            path = path_of(self.options.module, block)
        elif take != "output":
            path = f"{path}.{self.family.attention}.{PROJECTIONS[take]}"
        inputs = take == "modulated" and self.options.module is None
        return Tap(module_at(self.whose, self.network, path), pick, "input" if inputs else "output")

    def _without(self, tokens: Tensor, block: int, step: int, sampling: Sampling) -> Tensor:
        """Tokens [n, h * w, C] with the channels set to 0 that the options leave out."""
        channels = list(self.options.drop)
        if self.options.massive:
            channels += self._massive_channels(block, step, sampling).tolist()
        if channels:
            tokens[..., channels] = 0
        return tokens

    def _massive_channels(self, block: int, step: int, sampling: Sampling) -> Tensor:
        """The channels of the largest mean magnitude in a picture of two gradients."""
        if (block, step, sampling.steps) not in self._massive:
            side = self.multiple * min(PICTURE, self.grids.most or PICTURE)
            ramp = np.linspace(0, 255, side).astype(np.uint8)
            picture = np.stack([*np.meshgrid(ramp, ramp), np.full((side, side), 127, np.uint8)])
            latents = self.encode(picture.transpose(1, 2, 0)[None], None)
            noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
            begun = Start(self.path(sampling.steps).noised(latents, noise.to(latents.device), step))
            there = sampling.model_copy(update={"start": step})
            tokens = self._pass(begun, there, [(block, step)], step).queries[block, step]
            magnitude = tokens.float().abs().mean((0, 1))
            self._massive[block, step, sampling.steps] = magnitude.topk(self.options.massive).indices
        return self._massive[block, step, sampling.steps]
