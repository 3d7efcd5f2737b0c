"""The small denoiser: `UNet2DConditionModel` of Stable Diffusion's topology, epsilon prediction, no labels."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel
from torch import Tensor, nn

from zeroshot_vss.training.settings import TrainingSettings


def build_unet(settings: TrainingSettings) -> UNet2DConditionModel:
    """Four levels, twelve decoder blocks, cross-attention in the upper three levels."""
    return UNet2DConditionModel(
        sample_size=32,
        block_out_channels=settings.channels,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        layers_per_block=2,
        attention_head_dim=settings.heads,  # pyright: ignore[reportArgumentType]
        cross_attention_dim=settings.context_width,
        norm_num_groups=16,
        use_linear_projection=True,
    )


class Denoiser(nn.Module):
    """The UNet and its learned context, which stands where Stable Diffusion has the empty prompt."""

    def __init__(self, settings: TrainingSettings) -> None:
        super().__init__()
        self.unet = build_unet(settings)
        self.context = nn.Parameter(0.1 * torch.randn(settings.context_tokens, settings.context_width))

    def forward(self, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """Predicted noise of [n, 4, h, w] latents."""
        context = self.context.expand(len(noisy), -1, -1)
        return self.unet(noisy, timesteps, context).sample
