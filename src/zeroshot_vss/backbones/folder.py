"""The files of a backbone: where they are, whether they are all there, and their digests. Imports no torch."""

from __future__ import annotations

import json
from pathlib import Path

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Weights, local_folder, quick_digest
from zeroshot_vss.provenance.files import files_digest

PARTS = ("unet", "vae", "text_encoder", "image_encoder")
"""Folders of weights."""
CONFIGS = ("unet/config.json", "vae/config.json", "scheduler/scheduler_config.json")
EXTENSION = ("unet/config.json", "unet/temporal.safetensors", "scheduler/scheduler_config.json")
"""What a video model's folder holds that extends an image model."""
POINTER = "image_model.json"
HUB_FILES = ("*.json", "*.txt", *(f"{part}/*.safetensors" for part in PARTS))
"""What is fetched of a hub repository."""


def image_model(folder: Path) -> Path | None:
    """Folder of the image model that a video model's folder extends; None for folders that stand alone."""
    pointer = folder / POINTER
    if not pointer.is_file():
        return None
    try:
        return folder / str(json.loads(pointer.read_text())["path"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f'{pointer} must be {{"path": "folder of the image model"}} ({error!r})') from error


def find_folder(spec: BackboneSpec) -> Path:
    """The local folder of a backbone's files.

    Raises:
        InputError: the weights are not there; the message says what to get and where to put it.
    """
    local = local_folder(spec, HUB_FILES)
    for folder, missing in _missing(spec, local):
        if missing:
            raise InputError(
                f"backbone '{spec.name}': {folder} lacks {', '.join(missing)}; it must be a diffusers folder of "
                f"{'an image' if spec.kind == 'image' else 'a video'} model"
            )
    return local


def _missing(spec: BackboneSpec, local: Path) -> list[tuple[Path, list[str]]]:
    """The folders of a backbone and what each lacks."""
    if spec.kind == "image":
        return [(local, _lacking(local, ("text_encoder", "tokenizer"), "context.safetensors"))]
    extended = image_model(local)
    if extended is None:
        return [(local, _lacking(local, ("image_encoder", "feature_extractor"), POINTER))]
    absent = [name for name in EXTENSION if not (local / name).is_file()]
    return [(local, absent), (extended, _lacking(extended, ("text_encoder", "tokenizer"), "context.safetensors"))]


def _lacking(folder: Path, encoder: tuple[str, str], instead: str) -> list[str]:
    missing = [name for name in CONFIGS if not (folder / name).is_file()]
    model, helper = encoder
    if not (
        ((folder / model / "config.json").is_file() and (folder / helper).is_dir()) or (folder / instead).is_file()
    ):
        missing.append(f"{model}/ with {helper}/, or {instead}")
    return missing + [f"{part}/*.safetensors" for part in ("unet", "vae") if not weight_files(folder / part)]


def find_tiny_decoder(spec: BackboneSpec) -> Path | None:
    """The local folder of a backbone's tiny decoder; None where it has none.

    Raises:
        InputError: it is not there.
    """
    if spec.tiny_decoder is None:
        return None
    folder = local_folder(Weights(name=f"{spec.name}, tiny_decoder", path=spec.tiny_decoder), HUB_FILES)
    missing = [] if (folder / "config.json").is_file() else ["config.json"]
    if missing := missing + ([] if weight_files(folder) else ["*.safetensors"]):
        raise InputError(f"backbone '{spec.name}': tiny_decoder: {folder} lacks {', '.join(missing)}")
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files that hold a part's weights: full precision where there, else the fp16 variant."""
    found = sorted(folder.glob("*.safetensors"))
    full = [path for path in found if ".fp16." not in path.name and "ema" not in path.name]
    return full or [path for path in found if ".fp16." in path.name]


def _files(folder: Path) -> list[Path]:
    """All files that results depend on, with those of an image model that is extended."""
    further = ("text_encoder/config.json", "image_encoder/config.json", "feature_extractor/preprocessor_config.json",
               "context.safetensors", POINTER)  # fmt: skip
    weights = [path for part in PARTS for path in weight_files(folder / part)]
    found = [*weights, *(p for name in (*CONFIGS, *further) if (p := folder / name).is_file())]
    extended = image_model(folder)
    return found if extended is None else [*found, *_files(extended)]


def fingerprint(spec: BackboneSpec) -> str:
    """A cheap digest that changes when a backbone's files are exchanged."""
    folder, tiny = find_folder(spec), find_tiny_decoder(spec)
    digest = quick_digest(folder, _files(folder))
    return digest if tiny is None else f"{digest}+{quick_digest(tiny, _tiny_files(tiny))}"


def _tiny_files(folder: Path) -> list[Path]:
    return [folder / "config.json", *weight_files(folder)]


def weights_digest(spec: BackboneSpec) -> str:
    """Digest of all weights and configs of a backbone."""
    tiny = find_tiny_decoder(spec)
    return files_digest([*_files(find_folder(spec)), *(_tiny_files(tiny) if tiny else [])])
