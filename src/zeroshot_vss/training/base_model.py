"""Which models can be trained on. Imports no torch: whoever plans jobs asks it."""

from __future__ import annotations

import json
from pathlib import Path

from zeroshot_vss.backbones.kind import ModelFiles
from zeroshot_vss.errors import InputError

NEEDED = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json", "context.safetensors")
AUTOENCODER = "AutoencoderTiny"


def fault_of(folder: Path) -> str | None:
    """Why adaptation cannot start from a model's folder; None where it can."""
    missing = next((name for name in NEEDED if not (folder / name).is_file()), None)
    if missing:
        return f"there is no {missing}; adaptation starts from an image model such as models/scenes-tiny"
    kind = json.loads((folder / "vae" / "config.json").read_text()).get("_class_name")
    if kind != AUTOENCODER:
        return f"its autoencoder is {kind}; expected {AUTOENCODER}, as of scenes-tiny"
    return None


def check_adaptable(model: ModelFiles) -> None:
    """Refuse a backbone that adaptation cannot start from.

    Raises:
        InputError: naming it, and what it lacks.
    """
    if fault := fault_of(model.folder):
        raise InputError(f"{model.whose} cannot be adapted: {fault}")
