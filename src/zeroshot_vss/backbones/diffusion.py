"""What image and video diffusion models share: latents, the plain pass and the modulated passes.

A model adds how its network is called, and which of its modules take part (:class:`Decoder`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.attention import GivenAttention, attending
from zeroshot_vss.backbones.base import Backbone, PlainPass, Start
from zeroshot_vss.backbones.encoding import encode_images, to_images
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.backbones.geometry import Geometry
from zeroshot_vss.backbones.hooks import Decoder, recording
from zeroshot_vss.backbones.modulation import blend, modulate
from zeroshot_vss.backbones.sampling import Schedule, clean_latent, euler_step, make_schedule
from zeroshot_vss.errors import InputError
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation


class LatentDiffusion(Backbone):
    """A UNet and a VAE behind :class:`Backbone`. Latents are float32; the networks run in their own precision.

    Args:
        name: as in the config, for messages.
        decoder: the UNet's decoder, by the paper's block numbers.
        vae: an autoencoder of diffusers. `AutoencoderTiny` has no posterior: no noise is drawn.
        scheduler_config: the model's noise schedule, as in its scheduler folder.
        images_at_once: most latents that the VAE takes in one call; fewer where a GPU does not hold as many.
    """

    def __init__(
        self, name: str, decoder: Decoder, vae: Any, scheduler_config: dict[str, Any], images_at_once: int = 16
    ) -> None:
        self.name, self.decoder = name, decoder
        self.unet, self.vae = decoder.unet.eval().requires_grad_(False), vae.eval().requires_grad_(False)
        self.scheduler_config = scheduler_config
        self.prediction_type: str = scheduler_config.get("prediction_type", "epsilon")
        self.images = AdaptiveBatches(images_at_once)
        self.tiny_decoder: Any = None
        """An `AutoencoderTiny` of the same latents (TAESD), for methods that ask for it."""
        self.device, self.dtype = self.unet.device, self.unet.dtype
        self.geometry = Geometry.of(f"backbone '{name}'", self.unet.config, vae.config, self.coupled)
        self.factor, self.multiple = self.geometry.factor, self.geometry.multiple
        self._schedules: dict[int, Schedule] = {}

    @abstractmethod
    def predict(self, x: Tensor, plain: PlainPass, step: int, substitutes: dict[Any, Any]) -> Tensor:
        """Guided prediction of the noise in states [m, c, h, w] at a step, with some modules' outputs given.

        Sampling and condition are those of the plain pass; a coupled model's x holds whole passes of its frames.
        """

    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        return self.geometry.grid(height, width, block)

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return self.unet.config.out_channels, height // self.factor, width // self.factor

    def check(self, sampling: Sampling, blocks: Sequence[int], tiny: bool = False) -> None:
        if tiny and self.tiny_decoder is None:
            raise InputError(
                f"backbone '{self.name}' has no tiny decoder; set backbones: {self.name}: tiny_decoder: to a folder "
                "with an AutoencoderTiny of the same latents, or leave upsampling.decoder out"
            )
        if fault := self.geometry.fault(sampling, blocks):
            raise InputError(f"backbone '{self.name}': {fault}")

    def schedule(self, steps: int) -> Schedule:
        """The schedule of `steps` steps."""
        if steps not in self._schedules:
            self._schedules[steps] = make_schedule(self.scheduler_config, steps)
        return self._schedules[steps]

    @torch.inference_mode()
    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None, margin: int = 0) -> Tensor:
        images = to_images(frames)
        parts = self.images.parts(
            len(images), lambda some: self.encode_images(images[some], None if noise is None else noise[some], margin)
        )
        return torch.cat(list(parts)) * self.vae.config.scaling_factor

    def encode_images(self, images: Tensor, noise: Tensor | None, margin: int = 0) -> Tensor:
        """Unscaled latents of images [n, 3, H, W] in [-1, 1]; see :meth:`encode` for `noise` and `margin`."""
        return encode_images(self.vae, images, noise, margin, self.factor, self.device)

    @torch.inference_mode()
    def decode(self, latents: Tensor, tiny: bool = False) -> Tensor:
        model = self.tiny_decoder if tiny else self.vae
        scaled = (latents / model.config.scaling_factor).to(_dtype(model.decoder))

        def images(some: slice) -> Tensor:
            return (model.decode(scaled[some]).sample if tiny else self.decode_latents(scaled[some])).float()

        return torch.cat(list(self.images.parts(len(scaled), images)))

    def decode_latents(self, latents: Tensor) -> Tensor:
        """Images of unscaled latents, each for itself."""
        return self.vae.decode(latents).sample

    @torch.inference_mode()
    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return latents + self.schedule(sampling.steps).sigmas[sampling.start].item() * noise.to(latents.device)

    @torch.inference_mode()
    def denoise(
        self,
        start: Start,
        sampling: Sampling,
        queries: Sequence[tuple[int, int]] = (),
        modulation: Modulation | None = None,
        last: int | None = None,
    ) -> PlainPass:
        plain = PlainPass(sampling, start.condition, origins=start.origins)
        plain.states[sampling.start - 1] = x = start.latents
        schedule = self.schedule(sampling.steps)
        if last is None:
            last = sampling.steps - 1 if modulation is None else modulation.last_step(sampling)
        for step in range(sampling.start, last + 1):
            asked = self.decoder.self_queries(tuple(b for b, s in queries if s == step))
            injected: dict[str, Any] = {}
            prefix: dict[str, Any] = {}
            if modulation is not None and step >= modulation.step:
                if modulation.injection:
                    injected = self.decoder.injected(self._injected(modulation, step))
                if step == modulation.step:
                    prefix = self.decoder.before(modulation.block)
            with recording(asked) as seen, recording(injected) as kept, recording(prefix) as before:
                epsilon = self.predict(x, plain, step, {})
            plain.states[step] = x = euler_step(x, epsilon, schedule, step)
            for block, tokens in seen.items():
                plain.queries[int(block), step] = tokens[-len(x) :]
            plain.injected[step] = kept
            if prefix:
                plain.prefix = before
        check_finite(x, "denoising", self.name, plain.origins)
        for (block, step), block_queries in plain.queries.items():
            check_finite(block_queries, f"block {block} at step {step}", self.name, plain.origins)
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
        latent_masks = F.interpolate(masks, x.shape[-2:], mode="nearest")
        select = PassSelection(plain, frames, self.coupled)
        for step in range(modulation.step, modulation.last_step(sampling) + 1):
            before = x
            processors, given = self._injection(plain, select, modulation, step)
            if step == modulation.step:
                given |= self._shifted_prefix(plain, select, masks, strengths, modulation)
            with attending(processors):
                epsilon = self.predict(x, plain, step, given)
            x, unmodulated = euler_step(x, epsilon, schedule, step), plain.states[step]
            if modulation.one_step:
                x = clean_latent(before, x, schedule, step)
                unmodulated = clean_latent(plain.states[step - 1], unmodulated, schedule, step)
            if modulation.blend_through is not None and step <= modulation.blend_through:
                x = blend(unmodulated[frames], x, latent_masks)
        return x

    def _injection(
        self, plain: PlainPass, select: PassSelection, modulation: Modulation, step: int
    ) -> tuple[dict[Any, GivenAttention], dict[Any, Any]]:
        """Attention processors and module outputs that hand the plain pass's queries and keys to the passes."""
        if not modulation.injection:
            return {}, {}
        kept, blocks = plain.injected[step], self._injected(modulation, step)
        processors = {
            attn: GivenAttention(kept[f"{name}.to_q"], kept[f"{name}.to_k"], select.rows)
            for name, attn in self.decoder.shared(blocks).items()
        }
        served = {module for attn in processors for module in (attn.to_q, attn.to_k)}
        modules = self.decoder.injected(blocks).items()
        return processors, {module: select(kept[name]) for name, module in modules if module not in served}

    def _shifted_prefix(
        self, plain: PlainPass, select: PassSelection, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> dict[Any, Any]:
        """Recorded outputs of the shared part, with lambda M added where the transformer hands on its output."""
        modules = self.decoder.before(modulation.block)
        last = f"attention.{modulation.block % self.decoder.per_level}"
        given = {module: select(plain.prefix[name]) for name, module in modules.items()}
        (output,) = given[modules[last]]
        shift = self.decoder.shift(modulation.block)
        given[modules[last]] = (modulate(output, masks, strengths.to(self.device), shift),)
        return given


def _dtype(module: Any) -> torch.dtype:
    return next(module.parameters()).dtype


class PassSelection:
    """From what a module gave in the plain pass to what it gives in the modulated passes.

    Outputs begin with the guidance halves, then come the units that are denoised together: the frames of an image
    model, the one batch of a video model, whose outputs may have any order inside.
    """

    def __init__(self, plain: PlainPass, frames: Tensor, coupled: bool) -> None:
        self.parts = plain.parts
        self.units = 1 if coupled else plain.frames
        self.chosen = torch.zeros_like(frames[:: plain.frames]) if coupled else frames
        self.rows = (torch.arange(self.parts, device=frames.device)[:, None] * self.units + self.chosen).flatten()
        """Which of the plain pass's guidance halves and units each unit of the modulated passes is."""

    def __call__(self, output: Any) -> Any:
        if not isinstance(output, Tensor):
            return tuple(self(part) for part in output)
        split = output.unflatten(0, (self.parts, self.units, -1))
        return split[:, self.chosen].flatten(0, 2)
