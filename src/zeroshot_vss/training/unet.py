"""The small denoiser: `UNet2DConditionModel` of Stable Diffusion's topology, epsilon prediction, no labels."""

from __future__ import annotations

import copy
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from diffusers import DDPMScheduler, UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor, nn

from zeroshot_vss.training.autoencoder import Log
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
    low = rng.random(count) < settings.low_noise_share
    timesteps = np.where(low, rng.integers(0, settings.low_noise_limit, count), rng.integers(0, 1000, count))
    return torch.from_numpy(clean.astype(np.float32)), torch.from_numpy(noise), torch.from_numpy(timesteps)


def learning_rate(step: int, settings: TrainingSettings) -> float:
    """Warm-up, then half a cosine down to a fiftieth."""
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(settings.steps - settings.warm_up, 1)
    return settings.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def _average_gradients(model: nn.Module, processes: int) -> None:
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= processes
    offset = 0
    for grad in grads:
        grad.copy_(flat[offset : offset + grad.numel()].view_as(grad))
        offset += grad.numel()


def train_process(rank: int, settings: TrainingSettings, latents_path: Path, folder: Path, log: Log) -> None:
    """One of `settings.processes` data-parallel processes; rank 0 writes `folder/denoiser.pt` now and then."""
    torch.set_num_threads(1)
    if settings.processes > 1:
        os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
        os.environ.setdefault("MASTER_PORT", "29577")
        dist.init_process_group("gloo", rank=rank, world_size=settings.processes)
    latents = np.load(latents_path, mmap_mode="r")
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng([settings.seed, 2, rank])
    scheduler = build_scheduler()
    model = Denoiser(settings)
    average = copy.deepcopy(model).requires_grad_(False)
    decay = {id(p) for p in model.parameters() if p.ndim > 1}
    groups = [
        {"params": [p for p in model.parameters() if id(p) in decay], "weight_decay": 0.01},
        {"params": [p for p in model.parameters() if id(p) not in decay], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, settings.rate, betas=(0.9, 0.99))
    started, sums, seen = time.monotonic(), np.zeros(5), np.zeros(5)
    for step in range(settings.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, settings)
        whole = step >= settings.steps * (1 - settings.full_size_share)
        clean, noise, timesteps = draw_batch(latents, settings, whole, rng)
        noisy = scheduler.add_noise(clean, noise, timesteps)  # pyright: ignore[reportArgumentType]
        error = (model(noisy, timesteps) - noise).square().mean((1, 2, 3))
        optimiser.zero_grad()
        error.mean().backward()
        if settings.processes > 1:
            _average_gradients(model, settings.processes)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        ema = min(settings.ema, (1 + step) / (10 + step))
        torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - ema)
        np.add.at(sums, timesteps.numpy() // 200, error.detach().numpy())
        np.add.at(seen, timesteps.numpy() // 200, 1)
        if rank == 0 and ((step + 1) % 100 == 0 or step + 1 == settings.steps):
            fifths = sums / np.maximum(seen, 1)
            log({"part": "unet", "step": step + 1, "seconds": round(time.monotonic() - started, 1),
                 "loss": round(sums.sum() / seen.sum(), 5)}
                | {f"error_t{200 * i}": round(v, 4) for i, v in enumerate(fifths)})  # fmt: skip
            sums[:], seen[:] = 0, 0
        if rank == 0 and ((step + 1) % 500 == 0 or step + 1 == settings.steps):
            torch.save(average.state_dict(), folder / "denoiser.tmp")
            os.replace(folder / "denoiser.tmp", folder / "denoiser.pt")
    if settings.processes > 1:
        dist.destroy_process_group()
