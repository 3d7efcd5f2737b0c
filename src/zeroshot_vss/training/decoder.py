"""The autoencoder's decoder, trained on with footage; the encoder stays, so that the latents mean what they meant."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import nn

from zeroshot_vss.training.autoencoder import reconstruction_loss, to_network
from zeroshot_vss.training.footage import Footage
from zeroshot_vss.training.settings import AdaptationSettings

CROP, BATCH, NOISE = 64, 12, 0.05


def tune_decoder(
    vae: AutoencoderTiny, footage: Footage, settings: AdaptationSettings, log: Callable[[dict], None]
) -> AutoencoderTiny:
    """`settings.decoder_steps` steps on crops of random frames, with a little noise on the latents.

    Args:
        vae: the base's autoencoder, float32; its decoder changes.
        footage: the frames.
        settings: steps, rate, seed, threads.
        log: takes a row now and then.
    """
    torch.set_num_threads(settings.processes)
    torch.manual_seed(settings.seed)
    rng = np.random.default_rng([settings.seed, 4])
    vae.encoder.requires_grad_(False)
    weights = list(vae.decoder.parameters())
    optimiser = torch.optim.AdamW(weights, settings.decoder_rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.decoder_rate, settings.decoder_steps, pct_start=0.1
    )
    lengths = np.array([len(clip) for clip in footage.clips]) / footage.frames
    for step in range(settings.decoder_steps):
        images = to_network(np.stack([_crop(footage, lengths, rng) for _ in range(BATCH)]))
        with torch.no_grad():
            latents = vae.encoder(images)
        output = vae.decoder(latents + NOISE * torch.randn_like(latents))
        optimiser.zero_grad()
        reconstruction_loss(output, images).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        schedule.step()
        if (step + 1) % 50 == 0 or step + 1 == settings.decoder_steps:
            error = (output.detach() - images).square().mean().item() / 4
            log({"part": "decoder", "step": step + 1, "psnr": round(-10 * np.log10(error), 2)})
    return vae.eval()


def _crop(footage: Footage, lengths: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """[CROP, CROP, 3] of a random frame, or a square of its whole height where it has fewer rows."""
    clip = footage.clips[int(rng.choice(len(lengths), p=lengths))]
    _, height, width, _ = clip.shape
    top, left = rng.integers(0, height - CROP + 1), rng.integers(0, width - CROP + 1)
    return clip[int(rng.integers(len(clip))), top : top + CROP, left : left + CROP]
