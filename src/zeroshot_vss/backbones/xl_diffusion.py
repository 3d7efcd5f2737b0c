"""Stable Diffusion XL as a backbone: the UNet is told a pooled embedding and sizes beside the context."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zeroshot_vss.backbones.image_diffusion import ImageDiffusion


class XLDiffusion(ImageDiffusion):
    """Frames are denoised each for itself, under the empty prompt, as whole pictures of their own size.

    The unconditional half has zeros in place of both embeddings, as SDXL's pipeline for an empty prompt.

    Args:
        name, unet, vae, scheduler_config: as of :class:`ImageDiffusion`.
        context: [tokens, width] of the empty prompt.
        pooled: [width] of the empty prompt.
    """

    def __init__(
        self, name: str, unet: Any, vae: Any, scheduler_config: dict[str, Any], context: Tensor, pooled: Tensor
    ) -> None:
        super().__init__(name, unet, vae, scheduler_config, context, torch.zeros_like(context))
        self.pooled = torch.stack([torch.zeros_like(pooled), pooled]).to(self.device, self.dtype)

    def added(self, x: Tensor, parts: int) -> dict[str, Any]:
        height, width = (side * self.factor for side in x.shape[-2:])
        # Original size, corner of the crop, target size.
        sizes = torch.tensor([height, width, 0, 0, height, width], device=self.device, dtype=self.dtype)
        return {
            "added_cond_kwargs": {
                "text_embeds": self.pooled[-parts:].repeat_interleave(len(x), 0),
                "time_ids": sizes.repeat(parts * len(x), 1),
            }
        }
