"""Any Stable-Diffusion-like model of diffusers (`UNet2DConditionModel` and a VAE) as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import Backbone, PlainPass
from zeroshot_vss.backbones.hooks import Decoder, recording, substituted
from zeroshot_vss.backbones.sampling import Schedule, euler_step, guide, make_schedule, network_input, to_epsilon
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings import Modulation, Sampling


class ImageDiffusion(Backbone):
    """A UNet and a VAE behind :class:`Backbone`. Latents are float32; the networks run in their own precision.

    Args:
        name: as in the config, for messages.
        unet: a `UNet2DConditionModel`, unmodified.
        vae: an `AutoencoderKL`, or an `AutoencoderTiny` (which has no posterior: no noise is drawn).
        scheduler_config: the model's noise schedule, as in its scheduler folder.
        context: [tokens, width] conditional context (the empty prompt's embedding).
        unconditional: [tokens, width] for guidance; zeros in the paper's setting.
        images_at_once: most latents that the VAE takes in one call.
    """

    def __init__(
        self,
        name: str,
        unet: Any,
        vae: Any,
        scheduler_config: dict[str, Any],
        context: Tensor,
        unconditional: Tensor | None,
        images_at_once: int = 16,
    ) -> None:
        self.name = name
        self.unet, self.vae = unet.eval().requires_grad_(False), vae.eval().requires_grad_(False)
        self.decoder = Decoder(unet)
        self.scheduler_config = scheduler_config
        self.prediction_type: str = scheduler_config.get("prediction_type", "epsilon")
        self.context, self.unconditional = context, unconditional
        self.images_at_once = images_at_once
        self.device, self.dtype = unet.device, unet.dtype
        widths = getattr(vae.config, "block_out_channels", None) or vae.config.encoder_block_out_channels
        self.factor = 2 ** (len(widths) - 1)
        self.multiple = self.factor * 2 ** (len(unet.up_blocks) - 1)
        self._schedules: dict[int, Schedule] = {}

    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        scale = self.factor * 2 ** self.decoder.level(block)
        return height // scale, width // scale

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return self.unet.config.in_channels, height // self.factor, width // self.factor

    def check(self, sampling: Sampling, blocks: Sequence[int]) -> None:
        known = self.decoder.attention_blocks()
        for block in blocks:
            if block not in known:
                raise InputError(f"backbone '{self.name}': block {block} has no attention; choose among {known}")
        if sampling.guidance != 1 and self.unconditional is None:
            raise InputError(
                f"backbone '{self.name}': guidance {sampling.guidance} needs a model with an unconditional context; "
                "set guidance: 1"
            )

    def schedule(self, steps: int) -> Schedule:
        """The schedule of `steps` steps."""
        if steps not in self._schedules:
            self._schedules[steps] = make_schedule(self.scheduler_config, steps)
        return self._schedules[steps]

    @torch.inference_mode()
    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None) -> Tensor:
        images = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1
        noises = [None] * len(images) if noise is None else noise.split(self.images_at_once)
        parts = [self._encode(i, n) for i, n in zip(images.split(self.images_at_once), noises, strict=False)]
        return torch.cat(parts)

    def _encode(self, images: Tensor, noise: Tensor | None) -> Tensor:
        encoded = self.vae.encode(images.to(self.device, self.vae.dtype))
        if hasattr(encoded, "latents"):
            latents = encoded.latents.float()
        else:
            posterior = encoded.latent_dist
            latents = posterior.mean.float()
            if noise is not None:
                latents = latents + posterior.std.float() * noise.to(self.device)
        return latents * self.vae.config.scaling_factor

    @torch.inference_mode()
    def decode(self, latents: Tensor) -> Tensor:
        scaled = (latents / self.vae.config.scaling_factor).to(self.vae.dtype)
        return torch.cat([self.vae.decode(part).sample.float() for part in scaled.split(self.images_at_once)])

    @torch.inference_mode()
    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return latents + self.schedule(sampling.steps).sigmas[sampling.start].item() * noise.to(latents.device)

    def _predict(self, x: Tensor, sampling: Sampling, step: int, substitutes: dict[Any, Any]) -> Tensor:
        """Guided noise prediction at `step`, with some modules' outputs given."""
        schedule = self.schedule(sampling.steps)
        sigma = schedule.sigmas[step]
        parts = 1 if sampling.guidance == 1 else 2
        contexts = [self.context] if parts == 1 else [self.unconditional, self.context]
        context = torch.stack([c for c in contexts if c is not None]).repeat_interleave(len(x), 0)
        inputs = network_input(x, sigma).repeat(parts, 1, 1, 1)
        with substituted(substitutes):
            output = self.unet(
                inputs.to(self.dtype),
                schedule.timesteps[step].to(self.device),
                encoder_hidden_states=context.to(self.device, self.dtype),
                return_dict=False,
            )[0].float()
        output = output.unflatten(0, (parts, len(x)))
        guided = output[0] if parts == 1 else guide(output, sampling.guidance)
        return to_epsilon(guided, x, sigma, self.prediction_type)

    @torch.inference_mode()
    def denoise(
        self,
        start: Tensor,
        sampling: Sampling,
        queries: Sequence[tuple[int, int]] = (),
        modulation: Modulation | None = None,
        last: int | None = None,
    ) -> PlainPass:
        parts = 1 if sampling.guidance == 1 else 2
        plain = PlainPass(parts, sampling)
        plain.states[sampling.start - 1] = x = start
        schedule = self.schedule(sampling.steps)
        for step in range(sampling.start, sampling.steps if last is None else last + 1):
            asked = self.decoder.self_queries(tuple(b for b, s in queries if s == step))
            injected: dict[str, Any] = {}
            prefix: dict[str, Any] = {}
            if modulation is not None and step >= modulation.step:
                if modulation.injection:
                    injected = self.decoder.injected(self._injected(modulation, step))
                if step == modulation.step:
                    prefix = self.decoder.before(modulation.block)
            with recording(asked) as seen, recording(injected) as kept, recording(prefix) as before:
                epsilon = self._predict(x, sampling, step, {})
            plain.states[step] = x = euler_step(x, epsilon, schedule, step)
            for block, tokens in seen.items():
                plain.queries[int(block), step] = tokens[-len(x) :]
            plain.injected[step] = kept
            if prefix:
                plain.prefix = before
        return plain

    def _injected(self, modulation: Modulation, step: int) -> tuple[int, ...]:
        """Blocks whose queries and keys are replaced; at the modulated step those up to the block equal their own."""
        blocks = self.decoder.attention_blocks()
        return tuple(k for k in blocks if step > modulation.step or k > modulation.block)

    @torch.inference_mode()
    def denoise_modulated(
        self, plain: PlainPass, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        sampling = plain.sampling
        schedule = self.schedule(sampling.steps)
        frames = frames.to(self.device)
        masks = masks[:, None].to(self.device, torch.float32)
        x = plain.states[modulation.step - 1][frames]
        blend = F.interpolate(masks, x.shape[-2:], mode="nearest")
        rows = torch.cat([frames + part * len(plain.states[modulation.step]) for part in range(plain.parts)])
        for step in range(modulation.step, sampling.steps):
            given: dict[Any, Any] = {}
            if modulation.injection:
                modules = self.decoder.injected(self._injected(modulation, step))
                given = {module: plain.injected[step][name][rows] for name, module in modules.items()}
            if step == modulation.step:
                given |= self._shifted_prefix(plain, rows, masks, strengths, modulation)
            epsilon = self._predict(x, sampling, step, given)
            x = euler_step(x, epsilon, schedule, step)
            if modulation.blend_through is not None and step <= modulation.blend_through:
                x = blend * x + (1 - blend) * plain.states[step][frames]
        return x

    def _shifted_prefix(
        self, plain: PlainPass, rows: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> dict[Any, Any]:
        """Recorded outputs of the shared part, with lambda M added where the transformer hands on its output."""
        modules = self.decoder.before(modulation.block)
        last = f"attention.{modulation.block % self.decoder.per_level}"
        given = {module: _pick(plain.prefix[name], rows) for name, module in modules.items()}
        (output,) = given[modules[last]]
        amount = strengths.to(self.device)[:, None, None, None] * F.interpolate(
            masks, output.shape[-2:], mode="nearest"
        )
        shift = amount * self.decoder.shift(modulation.block)[:, None, None]
        given[modules[last]] = (output + shift.repeat(plain.parts, 1, 1, 1).to(output.dtype),)
        return given


def _pick(output: Any, rows: Tensor) -> Any:
    """Rows of a module's output, which may be a tuple of tuples of tensors."""
    if isinstance(output, Tensor):
        return output[rows]
    return tuple(_pick(part, rows) for part in output)
