"""What image denoisers of any architecture share: the noise schedule, batches of latents, the process that trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DDPMScheduler
from numpy.typing import NDArray
from torch import Tensor, nn

from zeroshot_vss.training.loop import Errors, Log, draw_timesteps, optimise
from zeroshot_vss.training.settings import ImageTrainingSettings

WEIGHTS = "denoiser.safetensors"
"""The averaged weights, in the folder of a training's parts."""


def build_scheduler() -> DDPMScheduler:
    """Stable Diffusion's noise schedule."""
    return DDPMScheduler(1000, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False)


def draw_batch(
    latents: NDArray[np.float16], settings: ImageTrainingSettings, whole: bool, rng: np.random.Generator
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


def train_process(
    rank: int, build: Callable[[Any], nn.Module], settings: ImageTrainingSettings, part: str, latents_path: Path,
    folder: Path, log: Log,
) -> None:  # fmt: skip
    """One of `settings.processes` data-parallel processes; rank 0 writes :data:`WEIGHTS` at the end.

    Args:
        rank: of the process.
        build: from the settings to a module that predicts the noise of latents [n, 4, h, w] at timesteps [n].
        settings: of the training.
        part: what the log calls the network.
        latents_path: an .npy of latents [frames, 4, h, w] float16.
        folder: where the weights are written.
        log: takes a row every 100 steps.
    """
    latents = np.load(latents_path, mmap_mode="r")
    torch.manual_seed(settings.seed)
    scheduler = build_scheduler()
    model = build(settings)

    def errors(step: int, rng: np.random.Generator) -> Errors:
        whole = step >= settings.steps * (1 - settings.full_size_share)
        clean, noise, timesteps = draw_batch(latents, settings, whole, rng)
        noisy = scheduler.add_noise(clean, noise, timesteps)  # pyright: ignore[reportArgumentType]
        return Errors((model(noisy, timesteps) - noise).square().mean((1, 2, 3)), timesteps)

    optimise(rank, model, errors, settings, part, folder / WEIGHTS, log)
