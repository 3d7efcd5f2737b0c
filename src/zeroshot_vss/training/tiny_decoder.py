"""A decoder of few channels for the difference maps, taught by an autoencoder's own (as TAESD is for SD's)."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray

from zeroshot_vss.training.autoencoder import random_crops, reconstruction_loss
from zeroshot_vss.training.loop import Log
from zeroshot_vss.training.settings import TinyDecoderSettings


def build_tiny_decoder(teacher: AutoencoderTiny, settings: TinyDecoderSettings) -> AutoencoderTiny:
    """An autoencoder with the teacher's encoder and an untrained decoder of few channels."""
    config: Any = teacher.config
    levels = len(config.decoder_block_out_channels)
    model = AutoencoderTiny(
        encoder_block_out_channels=config.encoder_block_out_channels,
        decoder_block_out_channels=(settings.channels,) * levels,
        num_encoder_blocks=config.num_encoder_blocks,
        num_decoder_blocks=(1,) * levels,
        latent_channels=config.latent_channels,
        scaling_factor=config.scaling_factor,
    )
    model.encoder.load_state_dict(teacher.encoder.state_dict())
    return model


def train_tiny_decoder(
    frames: NDArray[np.uint8], teacher: AutoencoderTiny, settings: TinyDecoderSettings, log: Log
) -> AutoencoderTiny:
    """Train on what the teacher makes of noisy latents of crops.

    Args:
        frames: [n, H, W, 3].
        teacher: the autoencoder to be imitated.
        settings: see :class:`TinyDecoderSettings`.
        log: takes a row every hundred steps.
    """
    torch.manual_seed(settings.seed)
    torch.set_num_threads(settings.processes)
    rng = np.random.default_rng([settings.seed, 2])
    teacher = teacher.eval().requires_grad_(False)
    model = build_tiny_decoder(teacher, settings)
    weights = list(model.decoder.parameters())
    optimiser = torch.optim.AdamW(weights, settings.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, settings.rate, settings.steps, pct_start=0.05)
    started = time.monotonic()
    for step in range(settings.steps):
        with torch.no_grad():
            latents = teacher.encoder(random_crops(frames, settings.batch, settings.crop, rng))
            spread = settings.latent_noise * torch.rand(len(latents), 1, 1, 1)
            latents = latents + spread * torch.randn_like(latents)
            target = teacher.decoder(latents)
        output = model.decoder(latents)
        loss = reconstruction_loss(output, target)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 0 or step == settings.steps - 1:
            mse = (output.detach() - target).square().mean().item() / 4
            log({"part": "tiny decoder", "step": step, "seconds": round(time.monotonic() - started, 1),
                 "loss": round(loss.item(), 5), "psnr": round(-10 * np.log10(mse), 2)})  # fmt: skip
    return model.eval()
