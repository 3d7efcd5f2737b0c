"""`train adapt`: from a backbone's folder and footage to the folder of a backbone that knows the footage."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from rich.markup import escape
from safetensors.torch import load_file, save_file

from zeroshot_vss.backbones.kind import digest
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.store import console
from zeroshot_vss.settings.adaptation import Adaptation
from zeroshot_vss.training.adaptation import CHECKPOINT, adapt_process
from zeroshot_vss.training.base_model import fault_of
from zeroshot_vss.training.decoder import tune_decoder
from zeroshot_vss.training.footage import Footage, decode, find_clips, open_clip
from zeroshot_vss.training.log import append_row
from zeroshot_vss.training.processes import spawn
from zeroshot_vss.training.settings import AdaptationSettings
from zeroshot_vss.training.stored import load_stored

WEIGHTS = "diffusion_pytorch_model.safetensors"
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
    if fault := fault_of(base):
        raise InputError(f"--from {base}: {fault}")
    work = work or out.with_name(f"{out.name}-work")
    paths = find_clips(frames, exclude)
    weights = digest(BackboneSpec(name=base.name, path=str(base)))
    work.mkdir(parents=True, exist_ok=True)
    _check_work(work, {"base": weights, "settings": settings.model_dump(mode="json")})
    footage = decode({str(p.resolve()): open_clip(p) for p in paths}, settings.stored_height, work / "frames")
    console.print(f"{footage.frames} frames of {len(paths)} clips, without labels", soft_wrap=True)
    _export(base, train_weights(base, footage, settings, work), out)
    record = {"base": base.name, "base_digest": weights, "clips": [p.stem for p in paths],
            "frames": footage.frames, "settings": settings.model_dump(mode="json")}  # fmt: skip
    with replacing(out / "training.json") as part:
        part.write_text(json.dumps(record, indent=2) + "\n")
    shutil.copy(work / "training-log.csv", out)
    console.print(escape(config_lines(out, settings.height)), highlight=False, soft_wrap=True)


def adapted_weights(
    base: Path, clips: Mapping[str, Clip], settings: Adaptation, work: Path
) -> dict[str, torch.Tensor]:
    """The same for clips that are open already, as the workflow has them; nothing is written but in `work`."""
    chosen = AdaptationSettings.model_validate(settings.model_dump())
    work.mkdir(parents=True, exist_ok=True)
    return train_weights(base, decode(clips, chosen.stored_height, work / "frames"), chosen, work)


def train_weights(base: Path, footage: Footage, settings: AdaptationSettings, work: Path) -> dict[str, torch.Tensor]:
    """Train, or go on from the checkpoint in `work`.

    Returns:
        The weights that were trained, averaged over the steps, float32, by their names in the model: `unet.<name>`,
        `context`, `vae.<name>`.
    """
    log = partial(append_row, work / "training-log.csv", COLUMNS)
    spawn(adapt_process, (base, footage, settings, work, log), settings.processes, work / "rendezvous")
    weights: dict[str, torch.Tensor] = torch.load(work / CHECKPOINT, weights_only=True)["average"]
    if settings.decoder_steps:
        vae = load_stored(AutoencoderTiny, base / "vae")
        decoder = tune_decoder(vae, footage, settings, log).decoder
        weights |= {f"vae.decoder.{name}": weight.detach() for name, weight in decoder.state_dict().items()}
    return weights


def config_lines(out: Path, views: int) -> str:
    """The configuration by which the workflow uses an adapted model that has seen views of so many rows.

    Views show whole frames or parts of them, enlarged up to twice, so that frames of one and a half times their
    height look like what the model knows (192 rows, the best of 128, 192 and 256 on DAVIS's train sequences).
    """
    return f"""{out} is ready. It is used with this configuration:

backbones:
  {out.name}:
    title: {out.name}
    path: {out}
    settings:
      sampling: {{guidance: 1.0, height: {views * 3 // 2}, steps: 17, start: 15, margin: 32, noise: clip}}
      features: {{step: 15}}
      context: {{clusters: 255}}
      upsampling: {{modulation: {{step: 15, blend_through: 15}}}}
user_clips:
  backbone: {out.name}"""


def _check_work(work: Path, record: dict[str, object]) -> None:
    """Refuse a work folder of another training, whose checkpoint would be gone on from."""
    stored = work / "settings.json"
    text = json.dumps(record, indent=2) + "\n"
    if not stored.exists():
        stored.write_text(text)
    elif stored.read_text() != text:
        raise InputError(f"{work} is of a training with another base or other settings (see {stored}); "
                         "choose another --work, or remove it")  # fmt: skip


def _export(base: Path, weights: Mapping[str, torch.Tensor], out: Path) -> None:
    """Write a folder with the trained weights in half precision; the rest is the base's."""

    def of(part: str) -> dict[str, torch.Tensor]:
        return {k.removeprefix(f"{part}."): v.contiguous() for k, v in weights.items() if k.startswith(f"{part}.")}

    out.mkdir(parents=True, exist_ok=True)
    for part in ("vae", "scheduler", "tiny_decoder"):
        if (base / part).is_dir():
            shutil.copytree(base / part, out / part, dirs_exist_ok=True)
    # A fresh model: one that was loaded would write its folder into the config.
    config: Any = UNet2DConditionModel.load_config(base / "unet")
    unet: Any = UNet2DConditionModel.from_config(config)
    unet.load_state_dict(load_file(base / "unet" / WEIGHTS) | of("unet"))
    unet.half().save_pretrained(out / "unet")
    vae = load_file(base / "vae" / WEIGHTS) | of("vae")
    save_file({name: weight.half() for name, weight in vae.items()}, out / "vae" / WEIGHTS)
    context = weights.get("context", load_file(base / "context.safetensors")["context"])
    save_file({"context": context.half()}, out / "context.safetensors")
