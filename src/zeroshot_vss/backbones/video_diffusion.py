"""Stable Video Diffusion, and models of its topology, as a backbone: the frames of a batch are denoised together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import Condition, PlainPass
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.hooks import VideoDecoder, substituted
from zeroshot_vss.backbones.sampling import guide, network_input, to_epsilon
from zeroshot_vss.settings.sampling import Sampling


class VideoDiffusion(LatentDiffusion):
    """A batch is denoised under its first frame: as an embedding, and as latents beside every frame's own.

    Args:
        name: as in the config, for messages.
        unet: a `UNetSpatioTemporalConditionModel`, unmodified.
        vae: an `AutoencoderKLTemporalDecoder` (or an image autoencoder); frames are decoded each for itself.
        scheduler_config: the model's noise schedule, as in its scheduler folder.
        embed: from images [1, 3, H, W] in [-1, 1] to their embedding [tokens, width].
    """

    coupled = True

    def __init__(
        self, name: str, unet: Any, vae: Any, scheduler_config: dict[str, Any], embed: Callable[[Tensor], Tensor]
    ) -> None:
        super().__init__(name, VideoDecoder(unet), vae, scheduler_config)
        self.embed = embed
        self.temporal_vae = type(vae).__name__ == "AutoencoderKLTemporalDecoder"

    @torch.inference_mode()
    def condition(self, frame: NDArray[np.uint8], noise: Tensor, sampling: Sampling) -> Condition:
        """The frame's embedding, and the unscaled latents of the frame with noise of `time_ids[2]` upon it."""
        assert sampling.time_ids is not None
        image = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float() / 127.5 - 1
        latents = self.encode_images(image + sampling.time_ids[2] * noise, None, sampling.margin or 0)
        return Condition(self.embed(image).float(), latents[0])

    def decode_latents(self, latents: Tensor) -> Tensor:
        if not self.temporal_vae:
            return super().decode_latents(latents)
        return self.vae.decode(latents, num_frames=1).sample

    def predict(self, x: Tensor, plain: PlainPass, step: int, substitutes: dict[Any, Any]) -> Tensor:
        sampling, condition = plain.sampling, plain.condition
        assert condition is not None and sampling.time_ids is not None
        schedule = self.schedule(sampling.steps)
        sigma, parts = schedule.sigmas[step], sampling.parts
        states = x.unflatten(0, (-1, plain.frames))
        passes, frames = states.shape[:2]
        shown = torch.stack([torch.zeros_like(condition.latents), condition.latents][-parts:])
        contexts = torch.stack([torch.zeros_like(condition.embedding), condition.embedding][-parts:])
        shown = shown[:, None, None].expand(-1, passes, frames, -1, -1, -1).flatten(0, 1)
        inputs = torch.cat([network_input(states, sigma).repeat(parts, 1, 1, 1, 1), shown.to(x.device)], 2)
        ids = torch.tensor([sampling.time_ids], device=self.device, dtype=self.dtype)
        with substituted(substitutes):
            output = self.unet(
                inputs.to(self.dtype),
                schedule.timesteps[step].to(self.device),
                encoder_hidden_states=contexts.repeat_interleave(passes, 0).to(self.device, self.dtype),
                added_time_ids=ids.repeat(parts * passes, 1),
                return_dict=False,
            )[0].float()
        output = output.unflatten(0, (parts, passes))
        guided = output[0] if parts == 1 else guide(output, sampling.guidance)
        return to_epsilon(guided.flatten(0, 1), x, sigma, self.prediction_type)
