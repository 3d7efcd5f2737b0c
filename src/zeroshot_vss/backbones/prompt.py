"""Embeddings of the empty prompt: stored beside a model, or made by its text encoders. Imports no torch by itself."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.families import FAMILIES, VIDEO_FAMILIES, network_class
from zeroshot_vss.backbones.families.base import Family
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.weights import Part

if TYPE_CHECKING:
    from torch import Tensor

    from zeroshot_vss.backbones.kind import ModelFiles

STORED = "prompt.safetensors"
INDEX = "model_index.json"
XL_RETURNED = ("prompt_embeds", None, "pooled_prompt_embeds", None)
"""What the `encode_prompt` of SDXL's pipeline returns."""
ENCODER = re.compile(r"(text_encoder|tokenizer)(_\d)?")
"""Names of a pipeline's parts that encode text. SD 3's `text_encoders` is none: it holds them again, as files."""
ENCODER_WEIGHTS = ("text_encoder/*.safetensors", "text_encoder_[0-9]/*.safetensors")
"""Patterns of their weights."""


def prompt_parts(folder: Path) -> dict[str, Part]:
    """Stored embeddings, or the parts of the pipeline that make them."""
    stored = Part(folder / STORED, single=True)
    if stored.path.exists():
        return {"prompt": stored}
    names = sorted(path.name for path in folder.glob("*") if ENCODER.fullmatch(path.name) and path.is_dir())
    if not (folder / INDEX).is_file() or not any(name.startswith("text_encoder") for name in names):
        instead = f"{STORED} (`zeroshot-vss prompt FOLDER` makes it), or {INDEX} with text_encoder/ and tokenizer/"
        return {"prompt": Part(stored.path, single=True, instead=instead)}
    parts = {
        name: Part(folder / name) if name.startswith("text_encoder") else Part(folder / name, needs=(), weights=False)
        for name in names
    }
    return {"model_index": Part(folder / INDEX, single=True, weights=False), **parts}


def prompt_of(
    model: ModelFiles,
    returned: Sequence[str | None],
    widths: Mapping[str, int | None],
    told: Mapping[str, Any] | None = None,
) -> dict[str, Tensor]:
    """The embeddings of a model's empty prompt, without a batch, float32.

    Args:
        model: its files.
        returned: what its pipeline's `encode_prompt` returns, by name.
        widths: of the embeddings that the network takes; None for masks.
        told: further arguments of `encode_prompt`.

    Raises:
        InputError: an embedding is missing, of another width, or cannot be made.
    """
    if "prompt" in model.parts:
        from zeroshot_vss.backbones.loading import read_tensors

        path = model.parts["prompt"].path
        found = read_tensors(model, path)
    else:
        path = model.folder
        found = encode_empty(path, returned, told)
    for name, width in widths.items():
        if name not in found:
            raise InputError(
                f"{model.whose}: {path} has no '{name}'; expected {', '.join(widths)}: make {STORED} again "
                f"(`zeroshot-vss prompt {model.folder}`)"
            )
        if width is not None and found[name].shape[-1] != width:
            raise InputError(
                f"{model.whose}: {path}: '{name}' is {found[name].shape[-1]} wide, the network expects {width}; the "
                "parts are of different models"
            )
    return {name: found[name].float() for name in widths}


def store_prompt(folder: Path) -> Path:
    """Write the embeddings of a model's empty prompt beside it; returns the file.

    Raises:
        InputError: the folder is of no pipeline that is known, or its text encoders cannot be loaded.
    """
    from safetensors.torch import save_file

    returned: Sequence[str | None] = XL_RETURNED
    more: Mapping[str, Any] = {}
    if not (folder / "unet" / "config.json").exists():
        name = network_class(read_json("a model", folder / "transformer" / "config.json"))
        family: Family = (VIDEO_FAMILIES if name in VIDEO_FAMILIES else FAMILIES).load(name)()
        returned, more = family.returned, family.told
    found = encode_empty(folder, returned, more)
    with replacing(folder / STORED) as partial:
        save_file({key: value.contiguous() for key, value in found.items()}, partial)
    return folder / STORED


def encode_empty(
    folder: Path, returned: Sequence[str | None], more: Mapping[str, Any] | None = None
) -> dict[str, Tensor]:
    """The embeddings of the empty prompt by the pipeline that model_index.json names; its other parts stay unloaded.

    Args:
        folder: of the pipeline.
        returned: what its `encode_prompt` returns, by name.
        more: further arguments of it.

    Raises:
        InputError: the pipeline or its encoders cannot be loaded.
    """
    import torch
    from diffusers import DiffusionPipeline

    index = read_json("a pipeline", folder / INDEX)
    named = {name for name, value in index.items() if not name.startswith("_") and isinstance(value, list)}
    apart: dict[str, Any] = {name: None for name in named if not ENCODER.fullmatch(name)}
    # An index without them, as diffusers loads parts that a pipeline could do without, even where None is given.
    left = {name: [None, None] if name in apart else value for name, value in index.items()}
    try:
        with TemporaryDirectory() as beside:
            (Path(beside) / INDEX).write_text(json.dumps(left))
            for name in named - set(apart):
                (Path(beside) / name).symlink_to((folder / name).resolve())
            pipeline: Any = DiffusionPipeline.from_pretrained(
                beside, **apart, torch_dtype=torch.float32, local_files_only=True, use_safetensors=True
            )
        wanted = inspect.signature(pipeline.encode_prompt).parameters
        told: dict[str, Any] = {"do_classifier_free_guidance": False, "device": torch.device("cpu")}
        told |= {**dict.fromkeys(("prompt_2", "prompt_3")), **(more or {})}
        with torch.inference_mode():
            found = pipeline.encode_prompt(prompt="", **{name: told[name] for name in wanted if name in told})
    except Exception as error:  # diffusers and transformers raise many kinds
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{folder}: the empty prompt cannot be encoded ({reason}); get the text encoders again, or put the "
            f"embeddings into {STORED}"
        ) from error
    found = found if isinstance(found, tuple) else (found,)
    named_values = zip(returned, found, strict=False)
    return {name: value[0].float().clone() for name, value in named_values if name is not None and value is not None}
