"""A small untrained backbone that adaptation can start from, and frames to adapt it to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from zeroshot_vss.training.autoencoder import build_autoencoder
from zeroshot_vss.training.denoising import build_scheduler
from zeroshot_vss.training.settings import TrainingSettings
from zeroshot_vss.training.unet import Denoiser

SMALL = TrainingSettings(
    autoencoder_channels=4, channels=(16, 16, 32, 32), heads=(1, 1, 2, 2), context_tokens=3, context_width=8
)


def save_adaptable(folder: Path, channels: tuple[int, int, int, int] = SMALL.channels) -> Path:
    """Write the backbone; returns its folder."""
    torch.manual_seed(0)
    model = Denoiser(SMALL.model_copy(update={"channels": channels}))
    model.half().unet.save_pretrained(folder / "unet")
    build_autoencoder(SMALL).half().save_pretrained(folder / "vae")
    build_scheduler().save_pretrained(folder / "scheduler")
    save_file({"context": model.context.detach()}, folder / "context.safetensors")
    return folder


def write_frames(folder: Path, count: int, size: tuple[int, int] = (64, 96)) -> Path:
    """Frames of a soft pattern that moves."""
    folder.mkdir(parents=True)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for i in range(count):
        waves = np.stack([np.sin((columns + 5 * i) / 7), np.cos(rows / 9), np.sin((rows + columns) / 11)], -1)
        Image.fromarray((127 + 100 * waves).astype(np.uint8)).save(folder / f"{i:05d}.png")
    return folder
