"""The small denoiser: `UNet2DConditionModel` of Stable Diffusion's topology, epsilon prediction, no labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import DDPMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn

from zeroshot_vss.training.loop import Errors, Log, draw_timesteps, optimise
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


def build_scheduler() -> DDPMScheduler:
    """Stable Diffusion's noise schedule."""
    return DDPMScheduler(1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False)


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


def draw_batch(
    latents: NDArray[np.float16], settings: TrainingSettings, whole: bool, rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Clean latents (crops or whole frames), noise and timesteps of one step of one process."""
    count = max(settings.batch // 4, 1) if whole else settings.batch
    _, _, height, width = latents.shape
    h, w = (height, width) if whole else settings.crop
    picks = rng.integers(0, len(latents), count)
    tops, lefts = rng.integers(0, height - h + 1, count), rng.integers(0, width - w + 1, count)
    clean = np.stack([latents[i, :, y : y + h, x : x + w] for i, y, x in zip(picks, tops, lefts, strict=True)])
    noise = rng.standard_normal(clean.shape, dtype=np.float32)
    timesteps = draw_timesteps(count, settings, rng)
    return torch.from_numpy(clean.astype(np.float32)), torch.from_numpy(noise), timesteps


def train_process(rank: int, settings: TrainingSettings, latents_path: Path, folder: Path, log: Log) -> None:
    """One of `settings.processes` data-parallel processes; rank 0 writes `denoiser.safetensors` now and then."""
    latents = np.load(latents_path, mmap_mode="r")
    torch.manual_seed(settings.seed)
    scheduler = build_scheduler()
    model = Denoiser(settings)

    def errors(step: int, rng: np.random.Generator) -> Errors:
        whole = step >= settings.steps * (1 - settings.full_size_share)
        clean, noise, timesteps = draw_batch(latents, settings, whole, rng)
        noisy = scheduler.add_noise(clean, noise, timesteps)  # pyright: ignore[reportArgumentType]
        return Errors((model(noisy, timesteps) - noise).square().mean((1, 2, 3)), timesteps)

    optimise(rank, model, errors, settings, "unet", folder / "denoiser.safetensors", log)
