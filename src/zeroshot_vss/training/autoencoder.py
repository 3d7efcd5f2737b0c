"""The small autoencoder: diffusers' `AutoencoderTiny` at a factor of 4, with unit-variance latents."""

from __future__ import annotations

import time

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import Tensor, nn

from zeroshot_vss.training.loop import Log
from zeroshot_vss.training.settings import TrainingSettings


def build_autoencoder(settings: TrainingSettings) -> AutoencoderTiny:
    """An untrained autoencoder of the settings' width."""
    width = (settings.autoencoder_channels,) * 3
    return AutoencoderTiny(
        encoder_block_out_channels=width,
        decoder_block_out_channels=width,
        num_encoder_blocks=(1, 2, 2),
        num_decoder_blocks=(2, 2, 1),
        latent_channels=4,
        scaling_factor=1.0,
    )


def to_network(frames: NDArray[np.uint8]) -> Tensor:
    """[n, H, W, 3] uint8 to [n, 3, H, W] float32 in [-1, 1]."""
    return torch.from_numpy(np.array(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1


def random_crops(frames: NDArray[np.uint8], count: int, size: int, rng: np.random.Generator) -> Tensor:
    """`count` square crops from random frames, half of them mirrored."""
    _, height, width, _ = frames.shape
    picks = rng.integers(0, len(frames), count)
    tops, lefts = rng.integers(0, height - size + 1, count), rng.integers(0, width - size + 1, count)
    crops = np.stack([frames[i, y : y + size, x : x + size] for i, y, x in zip(picks, tops, lefts, strict=True)])
    mirrored = rng.random(count) < 0.5
    crops[mirrored] = crops[mirrored, :, ::-1]
    return to_network(crops)


def reconstruction_loss(output: Tensor, target: Tensor) -> Tensor:
    """L2 + L1 of the pixels + L1 of their horizontal and vertical differences."""
    error = output - target
    gradient = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.square().mean() * 2 + 0.5 * error.abs().mean() + 0.5 * gradient


def train_autoencoder(frames: NDArray[np.uint8], settings: TrainingSettings, log: Log) -> AutoencoderTiny:
    """Train on crops. The latents are normalised a channel while training; the scale is folded in at the end."""
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.processes)
    rng = np.random.default_rng([settings.seed, 1])
    model = build_autoencoder(settings)
    norm = nn.BatchNorm2d(4, affine=False, momentum=0.02)
    optimiser = torch.optim.AdamW(model.parameters(), settings.autoencoder_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.autoencoder_rate, settings.autoencoder_steps, pct_start=0.05
    )
    started = time.monotonic()
    for step in range(settings.autoencoder_steps):
        images = random_crops(frames, settings.autoencoder_batch, settings.autoencoder_crop, rng)
        latents = norm(model.encoder(images))
        noisy = latents + settings.latent_noise * torch.randn_like(latents)
        output = model.decoder(noisy)
        flat = latents.transpose(0, 1).flatten(1)
        correlation = (flat @ flat.T / flat.shape[1]).fill_diagonal_(0)
        loss = reconstruction_loss(output, images) + 0.01 * correlation.square().mean()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == settings.autoencoder_steps - 1:
            mse = (output.detach() - images).square().mean().item() / 4
            log({"part": "autoencoder", "step": step, "seconds": round(time.monotonic() - started, 1),
                 "loss": round(loss.item(), 5), "psnr": round(-10 * np.log10(mse), 2)})  # fmt: skip
    _fold_normalisation(model, norm)
    return model.eval()


def _fold_normalisation(model: AutoencoderTiny, norm: nn.BatchNorm2d) -> None:
    """Move the latents' mean and scale into the encoder's last convolution, so that no extra layer is shipped."""
    last = model.encoder.layers[-1]
    assert isinstance(last, nn.Conv2d) and last.bias is not None
    assert norm.running_var is not None and norm.running_mean is not None
    scale = (norm.running_var + norm.eps).rsqrt()
    with torch.no_grad():
        last.weight.mul_(scale[:, None, None, None])
        last.bias.sub_(norm.running_mean).mul_(scale)


@torch.no_grad()
def encode_frames(model: AutoencoderTiny, frames: NDArray[np.uint8], batch: int = 16) -> NDArray[np.float16]:
    """Latents [n, 4, H/4, W/4] of all frames."""
    parts = [model.encoder(to_network(frames[i : i + batch])) for i in range(0, len(frames), batch)]
    return torch.cat(parts).numpy().astype(np.float16)
