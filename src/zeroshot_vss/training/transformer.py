"""The small diffusion transformer: PixArt's architecture, epsilon prediction, no labels."""

from __future__ import annotations

import torch
from diffusers import PixArtTransformer2DModel
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from zeroshot_vss.training.settings import TransformerTrainingSettings

ANY = [SDPBackend.FLASH_ATTENTION, SDPBackend.MATH]


def build_transformer(settings: TransformerTrainingSettings, latent_channels: int = 4) -> PixArtTransformer2DModel:
    """Blocks of one width and resolution; the timestep comes in by adaptive norms, the context by cross-attention."""
    return PixArtTransformer2DModel(
        num_attention_heads=settings.heads,
        attention_head_dim=settings.head_width,
        in_channels=latent_channels,
        out_channels=latent_channels,
        num_layers=settings.layers,
        cross_attention_dim=settings.heads * settings.head_width,
        sample_size=32,
        patch_size=settings.patch,
        interpolation_scale=1,
        use_additional_conditions=False,
        caption_channels=settings.context_width,
    )


class TransformerDenoiser(nn.Module):
    """The transformer and its learned context, which stands where PixArt has the empty prompt."""

    def __init__(self, settings: TransformerTrainingSettings) -> None:
        super().__init__()
        self.precision = settings.precision
        self.transformer = build_transformer(settings)
        self.context = nn.Parameter(0.1 * torch.randn(settings.context_tokens, settings.context_width))
        # The first steps then learn from no noise of the network's own (Peebles and Xie 2023).
        nn.init.zeros_(self.transformer.proj_out.weight)
        nn.init.zeros_(self.transformer.proj_out.bias)

    def forward(self, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """Predicted noise of [n, 4, h, w] latents."""
        context = self.context.expand(len(noisy), -1, -1)
        sizes = {"resolution": None, "aspect_ratio": None}
        half = self.precision == "bfloat16"
        # PyTorch's fused attention is many times slower backwards in bfloat16 than its parts, on a CPU.
        with torch.autocast("cpu", torch.bfloat16, half), sdpa_kernel(SDPBackend.MATH if half else ANY):
            return self.transformer(noisy, context, timesteps, added_cond_kwargs=sizes).sample.float()
