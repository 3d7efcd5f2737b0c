"""A UNet for clean latents as a backbone (CleanDIFT, arXiv 2412.03439): one pass, no noise."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zeroshot_vss.backbones.base import PlainPass, Start
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.backbones.hooks import recording
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation


class CleanDiffusion(ImageDiffusion):
    """Frames are seen each for itself, under the empty prompt. The step and the noise of the settings change nothing.

    Args:
        loaded: the image model whose UNet it is.
        timestep: that the UNet is told.
        unmodulated: why it has no masked modulation.
    """

    def __init__(self, loaded: ImageDiffusion, timestep: int, unmodulated: str) -> None:
        super().__init__(loaded.name, loaded.unet, loaded.vae, loaded.scheduler_config, loaded.contexts[-1], None)
        self.timestep, self.unmodulated = timestep, unmodulated

    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return latents

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
            raise InputError(f"backbone '{self.name}': {self.unmodulated}")
        plain = PlainPass(sampling, origins=start.origins)
        plain.states[sampling.start - 1] = x = start.latents
        with recording(self.decoder.self_queries(tuple({block for block, _ in queries}))) as seen:
            self.unet(
                x.to(self.dtype),
                torch.tensor(self.timestep, device=self.device),
                encoder_hidden_states=self.contexts[-1:].expand(len(x), -1, -1),
                return_dict=False,
            )
        for block, step in queries:
            plain.queries[block, step] = seen[str(block)]
            check_finite(seen[str(block)], f"block {block}", self.name, plain.origins)
        return plain
