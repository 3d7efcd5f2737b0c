"""The training command: frames, autoencoder, denoiser, and the folder that the workflow loads."""

from __future__ import annotations

import csv
import json
import os
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.multiprocessing as mp
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

from zeroshot_vss.training.autoencoder import build_autoencoder, encode_frames, train_autoencoder
from zeroshot_vss.training.data import render_training_frames
from zeroshot_vss.training.settings import TrainingSettings
from zeroshot_vss.training.unet import Denoiser, build_scheduler, train_process

ALLOCATOR = {
    "MALLOC_MMAP_THRESHOLD_": "4000000000",
    "MALLOC_TRIM_THRESHOLD_": "4000000000",
    "MALLOC_TOP_PAD_": "500000000",
}
"""glibc settings that keep freed activations in the heap; a CPU step takes several times as long without."""


def append_log(path: Path, row: dict[str, float | int | str]) -> None:
    """Append a row to the training log (CSV; the columns of both parts)."""
    columns = ["part", "step", "seconds", "loss", "psnr", *(f"error_t{t}" for t in range(0, 1000, 200))]
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns)
        if new:
            writer.writeheader()
        writer.writerow(row)
    print(*(f"{k}={v}" for k, v in row.items()), flush=True)


def train(out: Path, work: Path, settings: TrainingSettings) -> None:
    """Train and write a diffusers folder to `out`. Finished parts in `work` are kept and used again.

    Args:
        out: folder for unet/, vae/, scheduler/, context.safetensors, training.json and training-log.csv.
        work: folder for the rendered frames and latents (about 1 GB) and for checkpoints.
        settings: see :class:`TrainingSettings`.
    """
    os.environ.update(ALLOCATOR)
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    log = partial(append_log, out / "training-log.csv")
    frames_path, latents_path = work / "frames.npy", work / "latents.npy"
    if not frames_path.exists():
        render_training_frames(settings, work / "frames.tmp.npy")
        os.replace(work / "frames.tmp.npy", frames_path)
    frames = np.load(frames_path, mmap_mode="r")
    if not (work / "vae" / "config.json").exists():
        train_autoencoder(frames, settings, log).save_pretrained(work / "vae")
    vae = AutoencoderTiny.from_pretrained(work / "vae")
    if not latents_path.exists():
        np.save(work / "latents.tmp.npy", encode_frames(vae, frames))
        os.replace(work / "latents.tmp.npy", latents_path)
    if not (work / "denoiser.pt").exists():
        mp.spawn(train_process, (settings, latents_path, work, log), settings.processes)  # pyright: ignore
    export(out, work, settings)


def export(out: Path, work: Path, settings: TrainingSettings) -> None:
    """Write the averaged weights in half precision as a diffusers folder."""
    model = Denoiser(settings)
    model.load_state_dict(torch.load(work / "denoiser.pt", weights_only=True))
    model.half().unet.save_pretrained(out / "unet")
    # A fresh model: one that was loaded would write its folder into the config.
    vae = build_autoencoder(settings)
    vae.load_state_dict(AutoencoderTiny.from_pretrained(work / "vae").state_dict())
    vae.half().save_pretrained(out / "vae")
    build_scheduler().save_pretrained(out / "scheduler")
    save_file({"context": model.context.detach()}, out / "context.safetensors")
    (out / "training.json").write_text(json.dumps(settings.model_dump(), indent=2) + "\n")
