"""The training commands: data, networks, and the folders that the workflow loads."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, EulerDiscreteScheduler
from pydantic import BaseModel
from safetensors.torch import load_file, save_file
from torch import nn

from zeroshot_vss.backbones.inflation import spatial_weights, temporal_weights, video_config
from zeroshot_vss.backbones.prompt import STORED
from zeroshot_vss.errors import InputError
from zeroshot_vss.training.autoencoder import build_autoencoder, encode_frames, train_autoencoder
from zeroshot_vss.training.data import render_training_clips, render_training_frames
from zeroshot_vss.training.denoising import WEIGHTS, build_scheduler, train_process
from zeroshot_vss.training.log import append_row
from zeroshot_vss.training.loop import Log
from zeroshot_vss.training.processes import spawn
from zeroshot_vss.training.settings import (
    ImageTrainingSettings,
    TinyDecoderSettings,
    TrainingSettings,
    TransformerTrainingSettings,
    VideoTrainingSettings,
)
from zeroshot_vss.training.stored import load_stored
from zeroshot_vss.training.tiny_decoder import train_tiny_decoder
from zeroshot_vss.training.transformer import TransformerDenoiser
from zeroshot_vss.training.unet import Denoiser
from zeroshot_vss.training.video import TEMPORAL, VideoDenoiser, train_video_process

COLUMNS = ("part", "step", "seconds", "loss", "psnr", *(f"error_t{t}" for t in range(0, 1000, 200)))


def append_log(path: Path, row: dict[str, float | int | str]) -> None:
    """Append a row to the training log (CSV; the columns of both parts), and show it."""
    append_row(path, COLUMNS, row)
    print(*(f"{k}={v}" for k, v in row.items()), flush=True)


def _prepare(out: Path, work: Path, settings: BaseModel) -> None:
    """Make both folders; refuse a work folder of another training, whose parts would be taken for this one's."""
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    stored, text = work / "settings.json", settings.model_dump_json(indent=2) + "\n"
    if stored.exists() and stored.read_text() != text:
        raise InputError(
            f"{work} holds parts of a training with other settings (see {stored}); choose another --work"
        )
    if not stored.exists():
        stored.write_text(text)


def _once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, made unless it is there from an earlier run; an interrupted one leaves no such file."""
    if not path.exists():
        make(path)
    return path


def _encode(vae: Path, frames: Path, each: int | None, path: Path) -> None:
    """Latents [n, 4, h, w] of all frames, or [n / each, each, 4, h, w]."""
    latents = encode_frames(load_stored(AutoencoderTiny, vae), np.load(frames, mmap_mode="r"))
    unfinished = path.with_suffix(".tmp.npy")
    np.save(unfinished, latents if each is None else latents.reshape(-1, each, *latents.shape[1:]))
    unfinished.replace(path)


def _train_processes(function: Callable[..., None], arguments: tuple[Any, ...], count: int, weights: Path) -> None:
    """Call `function` in so many processes unless `weights` is there, which it leaves at its end."""
    if not weights.exists():
        spawn(function, arguments, count, weights.with_suffix(".rendezvous"))


def _train_denoiser(
    build: Callable[[Any], nn.Module], part: str, vae: Path, frames: Path, work: Path,
    settings: ImageTrainingSettings, log: Log,
) -> None:  # fmt: skip
    """Leave the averaged weights of an image denoiser in `work`, unless they are there; see :func:`train_process`."""
    latents = _once(work / "latents.npy", partial(_encode, vae, frames, None))
    _train_processes(train_process, (build, settings, part, latents, work, log), settings.processes, work / WEIGHTS)


def train(out: Path, work: Path, settings: TrainingSettings) -> None:
    """Train the image backbone and write a diffusers folder. Finished parts in `work` are kept and used again.

    Args:
        out: folder for unet/, vae/, scheduler/, context.safetensors, training.json and training-log.csv.
        work: folder for the rendered frames and latents (about 1 GB) and for checkpoints.
        settings: see :class:`TrainingSettings`.

    Raises:
        InputError: `work` is of a training with other settings.
    """
    _prepare(out, work, settings)
    log = partial(append_log, out / "training-log.csv")
    frames = _once(work / "frames.npy", partial(render_training_frames, settings))
    if not (work / "vae" / "config.json").exists():
        train_autoencoder(np.load(frames, mmap_mode="r"), settings, log).save_pretrained(work / "vae")
    _train_denoiser(Denoiser, "unet", work / "vae", frames, work, settings, log)
    export(out, work, settings)


def train_transformer(image: Path, out: Path, work: Path, settings: TransformerTrainingSettings) -> None:
    """Train a diffusion transformer on the latents of an image backbone, and write its folder.

    Args:
        image: folder of the image backbone, whose autoencoder it shares.
        out: folder for transformer/, vae/, scheduler/, prompt.safetensors, training.json and training-log.csv.
        work: folder for the rendered frames and latents (about 1 GB) and for checkpoints.
        settings: see :class:`TransformerTrainingSettings`.

    Raises:
        InputError: `work` is of a training with other settings.
    """
    _prepare(out, work, settings)
    log = partial(append_log, out / "training-log.csv")
    frames = _once(work / "frames.npy", partial(render_training_frames, settings))
    _train_denoiser(TransformerDenoiser, "transformer", image / "vae", frames, work, settings, log)
    export_transformer(image, out, work, settings)


def train_video(image: Path, out: Path, work: Path, settings: VideoTrainingSettings) -> None:
    """Extend an image backbone by temporal layers, train these, and write the folder of a video backbone.

    Args:
        image: folder of the image backbone. The written folder points to it and holds no copy of its weights.
        out: folder for unet/ (config and temporal weights), scheduler/, image_model.json and the training's log.
        work: folder for the rendered clips and latents (about 1 GB) and for checkpoints.
        settings: see :class:`VideoTrainingSettings`.

    Raises:
        InputError: `work` is of a training with other settings.
    """
    _prepare(out, work, settings)
    log = partial(append_log, out / "training-log.csv")
    frames = _once(work / "clips.npy", partial(render_training_clips, settings))
    latents = _once(work / "latents.npy", partial(_encode, image / "vae", frames, settings.frames))
    arguments = (settings, image, latents, work, log)
    _train_processes(train_video_process, arguments, settings.processes, work / TEMPORAL)
    export_video(image, out, work, settings)


def train_decoder(image: Path, out: Path, work: Path, settings: TinyDecoderSettings) -> None:
    """Train a decoder that imitates the one of an image backbone at a fraction of its cost.

    Args:
        image: folder of the image backbone.
        out: folder for an `AutoencoderTiny` (the encoder is the backbone's own) and the training's log.
        work: folder for the rendered frames.
        settings: see :class:`TinyDecoderSettings`.

    Raises:
        InputError: `work` is of a training with other settings.
    """
    _prepare(out, work, settings)
    log = partial(append_log, out / "training-log.csv")
    frames = _once(work / "frames.npy", partial(render_training_frames, settings))
    teacher = load_stored(AutoencoderTiny, image / "vae")
    model = train_tiny_decoder(np.load(frames, mmap_mode="r"), teacher, settings, log)
    model.half().save_pretrained(out)
    _drop_derived(out / "config.json")
    (out / "training.json").write_text(json.dumps(settings.model_dump(), indent=2) + "\n")


def export(out: Path, work: Path, settings: TrainingSettings) -> None:
    """Write the averaged weights in half precision as a diffusers folder."""
    model = Denoiser(settings)
    model.load_state_dict(load_file(work / WEIGHTS))
    model.half().unet.save_pretrained(out / "unet")
    # A fresh model: one that was loaded would write its folder into the config.
    vae = build_autoencoder(settings)
    vae.load_state_dict(load_stored(AutoencoderTiny, work / "vae").state_dict())
    vae.half().save_pretrained(out / "vae")
    _drop_derived(out / "vae" / "config.json")
    build_scheduler().save_pretrained(out / "scheduler")
    save_file({"context": model.context.detach()}, out / "context.safetensors")
    (out / "training.json").write_text(json.dumps(settings.model_dump(), indent=2) + "\n")


def export_transformer(image: Path, out: Path, work: Path, settings: TransformerTrainingSettings) -> None:
    """Write the averaged weights in half precision, the learned context as the embedding of the empty prompt."""
    model = TransformerDenoiser(settings)
    model.load_state_dict(load_file(work / WEIGHTS))
    model.half().transformer.save_pretrained(out / "transformer")
    shutil.copytree(image / "vae", out / "vae", dirs_exist_ok=True)
    build_scheduler().save_pretrained(out / "scheduler")
    context = model.context.detach()
    save_file({"prompt_embeds": context, "prompt_attention_mask": torch.ones(len(context))}, out / STORED)
    (out / "training.json").write_text(json.dumps(settings.model_dump(), indent=2) + "\n")


def _drop_derived(path: Path) -> None:
    """Take out the entry that AutoencoderTiny adds to its own config and warns of when it is loaded."""
    config = json.loads(path.read_text())
    config.pop("block_out_channels", None)
    path.write_text(json.dumps(config, indent=2) + "\n")


def export_video(image: Path, out: Path, work: Path, settings: VideoTrainingSettings) -> None:
    """Write what the video model adds to the image model, in half precision."""
    model = VideoDenoiser(image)
    trained = {k.removeprefix("unet."): v for k, v in load_file(work / TEMPORAL).items()}
    model.unet.load_state_dict(trained, strict=False)
    added = {
        name: weight.half().contiguous() for name, weight in temporal_weights(model.unet, model.image[0]).items()
    }
    own = spatial_weights(model.image[0])["conv_in.weight"]
    added["conv_in.weight"][:, : own.shape[1] // 2] = own[:, : own.shape[1] // 2]
    (out / "unet").mkdir(exist_ok=True)
    save_file(added, out / "unet" / "temporal.safetensors")
    (out / "unet" / "config.json").write_text(json.dumps(video_config(model.image[0]), indent=2) + "\n")
    (out / "image_model.json").write_text(json.dumps({"path": os.path.relpath(image, out)}, indent=2) + "\n")
    scheduler: Any = EulerDiscreteScheduler.from_config(build_scheduler().config, timestep_spacing="trailing")
    scheduler.save_pretrained(out / "scheduler")
    (out / "training.json").write_text(json.dumps(settings.model_dump(), indent=2) + "\n")
