"""The small video denoiser: the image model inflated, its temporal layers trained, its spatial layers frozen."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor, nn

from zeroshot_vss.backbones.inflation import inflate, spatial_weights, temporal_weights
from zeroshot_vss.training.denoising import build_scheduler
from zeroshot_vss.training.loop import Errors, Log, draw_timesteps, optimise
from zeroshot_vss.training.settings import VideoTrainingSettings
from zeroshot_vss.training.stored import load_stored

TEMPORAL = "temporal.safetensors"
"""File of the trained weights, the averages over the steps."""
FRAME_RATE, MOTION_BUCKET = 6.0, 127.0
"""What the network is told of every clip; generated clips have no others."""


class VideoDenoiser(nn.Module):
    """The inflated UNet of an image backbone's folder. Only what the image model lacks wants gradients."""

    def __init__(self, image_folder: Path) -> None:
        super().__init__()
        self.image = [load_stored(UNet2DConditionModel, image_folder / "unet")]
        self.unet = inflate(self.image[0])
        self.register_buffer("context", load_file(image_folder / "context.safetensors")["context"].float())
        trained = temporal_weights(self.unet, self.image[0])
        for name, parameter in self.unet.named_parameters():
            parameter.requires_grad_(name in trained)

    def forward(self, noisy: Tensor, condition: Tensor, timestep: Tensor, condition_noise: float) -> Tensor:
        """Predicted noise [n, f, 4, h, w] of noisy latents, given each clip's first frame [n, 4, h, w]."""
        frames = noisy.shape[1]
        repeated = condition[:, None].expand(-1, frames, -1, -1, -1)
        ids = torch.tensor([[FRAME_RATE, MOTION_BUCKET, condition_noise]]).expand(len(noisy), -1)
        context = self.context.expand(len(noisy), -1, -1)  # pyright: ignore[reportCallIssue]
        return self.unet(torch.cat([noisy, repeated], 2), timestep, context, added_time_ids=ids).sample


def draw_clips(
    latents: NDArray[np.float16], settings: VideoTrainingSettings, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """Crops of random clips [batch, f, 4, h, w], half of them backwards, and noise of the same shape."""
    _, _, _, height, width = latents.shape
    h, w = settings.crop
    picks = rng.integers(0, len(latents), settings.batch)
    tops, lefts = (rng.integers(0, high + 1, settings.batch) for high in (height - h, width - w))
    clean = [latents[i, :, :, y : y + h, x : x + w] for i, y, x in zip(picks, tops, lefts, strict=True)]
    turned = [c[::-1] if rng.random() < 0.5 else c for c in clean]
    stacked = np.stack(turned).astype(np.float32)
    return torch.from_numpy(stacked), torch.from_numpy(rng.standard_normal(stacked.shape, dtype=np.float32))


def train_video_process(
    rank: int, settings: VideoTrainingSettings, image_folder: Path, latents_path: Path, folder: Path, log: Log
) -> None:
    """One data-parallel process; rank 0 writes `temporal.safetensors`. Timesteps are shared by a step's clips."""
    latents = np.load(latents_path, mmap_mode="r")
    torch.manual_seed(settings.seed)
    scheduler = build_scheduler()
    model = VideoDenoiser(image_folder)
    first = model.unet.conv_in.weight
    kept = spatial_weights(model.image[0])["conv_in.weight"].shape[1] // 2
    first.register_hook(lambda grad: torch.cat([torch.zeros_like(grad[:, :kept]), grad[:, kept:]], 1))

    def errors(step: int, rng: np.random.Generator) -> Errors:
        clean, noise = draw_clips(latents, settings, rng)
        timestep = draw_timesteps(1, settings, rng)
        noisy = scheduler.add_noise(clean, noise, timestep.expand(len(clean)))  # pyright: ignore
        condition = clean[:, 0] + settings.condition_noise * torch.from_numpy(
            rng.standard_normal(clean[:, 0].shape, dtype=np.float32)
        )
        predicted = model(noisy, condition, timestep[0], settings.condition_noise)
        return Errors((predicted - noise).square().mean((1, 2, 3, 4)), timestep.expand(len(clean)))

    optimise(rank, model, errors, settings, "temporal", folder / TEMPORAL, log)
