"""Any Stable-Diffusion-like model of diffusers (`UNet2DConditionModel` and a VAE) as a backbone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zeroshot_vss.backbones.base import PlainPass
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.hooks import Decoder, substituted
from zeroshot_vss.backbones.sampling import guide, network_input, to_epsilon
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import Sampling


class ImageDiffusion(LatentDiffusion):
    """Frames are denoised each for itself, under the empty prompt.

    Args:
        name: as in the config, for messages.
        unet: a `UNet2DConditionModel`, unmodified.
        vae: an `AutoencoderKL` or `AutoencoderTiny`.
        scheduler_config: the model's noise schedule, as in its scheduler folder.
        context: [tokens, width] conditional context (the empty prompt's embedding).
        unconditional: [tokens, width] for guidance; zeros in the paper's setting.
    """

    def __init__(
        self,
        name: str,
        unet: Any,
        vae: Any,
        scheduler_config: dict[str, Any],
        context: Tensor,
        unconditional: Tensor | None,
    ) -> None:
        super().__init__(name, Decoder(unet), vae, scheduler_config)
        halves = [context] if unconditional is None else [unconditional, context]
        self.contexts = torch.stack(halves).to(self.device, self.dtype)
        """[1 or 2, tokens, width], the conditional one last."""

    def check(self, sampling: Sampling, blocks: Sequence[int], tiny: bool = False) -> None:
        super().check(sampling, blocks, tiny)
        if isinstance(sampling.guidance, tuple):
            raise InputError(
                f"backbone '{self.name}': guidance {sampling.guidance} grows over the frames of a video model's "
                "batch; set one value"
            )
        if sampling.guidance != 1 and len(self.contexts) == 1:
            raise InputError(
                f"backbone '{self.name}': guidance {sampling.guidance} needs a model with an unconditional context; "
                "set guidance: 1"
            )

    def added(self, x: Tensor, parts: int) -> dict[str, Any]:
        """What the UNet is told beside the context, of states [m, c, h, w] in so many guidance halves."""
        return {}

    def predict(self, x: Tensor, plain: PlainPass, step: int, substitutes: dict[Any, Any]) -> Tensor:
        sampling = plain.sampling
        schedule = self.schedule(sampling.steps)
        sigma = schedule.sigmas[step]
        parts = sampling.parts
        context = self.contexts[-parts:].repeat_interleave(len(x), 0)
        inputs = network_input(x, sigma).repeat(parts, 1, 1, 1)
        with substituted(substitutes):
            output = self.unet(
                inputs.to(self.dtype),
                schedule.timesteps[step].to(self.device),
                encoder_hidden_states=context,
                **self.added(x, parts),
                return_dict=False,
            )[0].float()
        output = output.unflatten(0, (parts, len(x)))
        guided = output[0] if parts == 1 else guide(output, sampling.guidance)
        return to_epsilon(guided, x, sigma, self.prediction_type)
