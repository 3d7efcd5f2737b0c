"""`train adapt`: from a backbone's folder and footage to the folder of a backbone that knows the footage."""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp
from diffusers import AutoencoderTiny, UNet2DConditionModel
from rich.markup import escape
from safetensors.torch import load_file, save_file

from zeroshot_vss.backbones.kind import digest
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.store import console
from zeroshot_vss.training.adaptation import CHECKPOINT, adapt_process
from zeroshot_vss.training.decoder import tune_decoder
from zeroshot_vss.training.footage import decode, find_clips
from zeroshot_vss.training.run import ALLOCATOR
from zeroshot_vss.training.settings import AdaptationSettings

NEEDED = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json", "context.safetensors")
COLUMNS = ("part", "step", "loss", "correspondence", "psnr", *(f"error_t{t}" for t in range(0, 1000, 200)))


def adapt(
    base: Path,
    frames: Sequence[Path],
    out: Path,
    settings: AdaptationSettings,
    work: Path | None = None,
    exclude: Sequence[str] = (),
) -> None:
    """Train a backbone on with unlabelled footage and write a diffusers folder.

    The command can be stopped at any time; repeated, it goes on where the last checkpoint was written.

    Args:
        base: folder of the image backbone to start from, such as models/scenes-tiny.
        frames: videos, folders of frames, or folders of these; folders of annotations below them are passed over.
        out: folder for the backbone, training.json and training-log.csv.
        settings: see :class:`AdaptationSettings`.
        work: folder for decoded frames and checkpoints, `<out>-work` by default; may be removed afterwards.
        exclude: names of clips that are left out.

    Raises:
        InputError: nothing to train on, a frame that cannot be read, clips with frames of several sizes, a base of
            another kind, or `work` of another training.
    """
    _check_base(base)
    work = work or out.with_name(f"{out.name}-work")
    clips = find_clips(frames, exclude)
    work.mkdir(parents=True, exist_ok=True)
    weights = digest(BackboneSpec(name=base.name, path=str(base)))
    _check_work(work, {"base": weights, "settings": settings.model_dump(mode="json")})
    os.environ.update(ALLOCATOR)
    footage = decode(clips, settings.stored_height, work / "frames")
    console.print(f"{footage.frames} frames of {len(clips)} clips, without labels", soft_wrap=True)
    log = partial(append_row, work / "training-log.csv")
    (work / "meeting").unlink(missing_ok=True)  # of an interrupted training
    mp.spawn(adapt_process, (base, footage, settings, work, log), settings.processes)  # pyright: ignore
    _export(base, work, out)
    if settings.decoder_steps:
        vae = AutoencoderTiny.from_pretrained(base / "vae", torch_dtype=torch.float32)
        save_autoencoder(tune_decoder(vae, footage, settings, log), out / "vae")
    told = {"base": base.name, "base_digest": weights, "clips": [p.stem for p in clips],
            "frames": footage.frames, "settings": settings.model_dump(mode="json")}  # fmt: skip
    with replacing(out / "training.json") as part:
        part.write_text(json.dumps(told, indent=2) + "\n")
    shutil.copy(work / "training-log.csv", out)
    console.print(escape(config_lines(out, settings.height)), highlight=False, soft_wrap=True)


def config_lines(out: Path, height: int) -> str:
    """The configuration by which the workflow uses an adapted model."""
    return f"""{out} is ready. It is used with this configuration:

backbones:
  {out.name}:
    title: {out.name}
    path: {out}
    settings:
      sampling: {{guidance: 1.0, height: {height}, steps: 17, start: 13, noise: clip}}
      features: {{step: 13}}
      context: {{clusters: 150}}
      upsampling: {{modulation: {{step: 13, blend_through: 15}}}}
user_clips:
  backbone: {out.name}"""


def _check_base(base: Path) -> None:
    missing = next((name for name in NEEDED if not (base / name).is_file()), None)
    if missing:
        raise InputError(
            f"--from {base}: there is no {missing}; adaptation starts from an image model such as models/scenes-tiny"
        )
    kind = json.loads((base / "vae" / "config.json").read_text()).get("_class_name")
    if kind != "AutoencoderTiny":
        raise InputError(f"--from {base}: its autoencoder is {kind}; expected AutoencoderTiny, as of scenes-tiny")


def _check_work(work: Path, told: dict[str, object]) -> None:
    """Refuse a work folder of another training, whose checkpoint would be gone on from."""
    stored = work / "settings.json"
    text = json.dumps(told, indent=2) + "\n"
    if not stored.exists():
        stored.write_text(text)
    elif stored.read_text() != text:
        raise InputError(f"{work} is of a training with another base or other settings (see {stored}); "
                         "choose another --work, or remove it")  # fmt: skip


def append_row(path: Path, row: dict[str, float | int | str]) -> None:
    """Append a row to the training log; rows at or beyond its step, of an interrupted training, are dropped."""
    rows: list[dict[str, str]] = []
    if path.exists():
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
    kept = [r for r in rows if r["part"] != row["part"] or int(r["step"]) < int(row["step"])]
    with replacing(path) as part, part.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows([*kept, row])  # pyright: ignore[reportArgumentType]


def _export(base: Path, work: Path, out: Path) -> None:
    """Write the averaged weights in half precision; the rest is the base's."""
    average = torch.load(work / CHECKPOINT, weights_only=True)["average"]
    # A fresh model: one that was loaded would write its folder into the config.
    config: Any = UNet2DConditionModel.load_config(base / "unet")
    unet: Any = UNet2DConditionModel.from_config(config)
    weights = load_file(base / "unet" / "diffusion_pytorch_model.safetensors")
    learnt = {k.removeprefix("unet."): v.contiguous() for k, v in average.items() if k.startswith("unet.")}
    unet.load_state_dict(weights | learnt)
    out.mkdir(parents=True, exist_ok=True)
    unet.half().save_pretrained(out / "unet")
    context = average.get("context", load_file(base / "context.safetensors")["context"])
    save_file({"context": context.half()}, out / "context.safetensors")
    for part in ("vae", "scheduler", "tiny_decoder"):
        if (base / part).is_dir():
            shutil.copytree(base / part, out / part, dirs_exist_ok=True)


def save_autoencoder(vae: AutoencoderTiny, folder: Path) -> None:
    """Write an autoencoder in half precision, its config without the entries that loading added."""
    config = json.loads((folder / "config.json").read_text())
    vae.half().save_pretrained(folder)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
