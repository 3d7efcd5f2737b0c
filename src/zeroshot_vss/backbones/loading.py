"""Loading a backbone from a diffusers folder, or from the hub's cache where the config says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from zeroshot_vss.backbones.folder import find_folder, weight_files
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError


def load_backbone(spec: BackboneSpec, device: torch.device) -> ImageDiffusion:
    """Load a backbone.

    Raises:
        InputError: files are missing, damaged, or do not fit each other.
    """
    from diffusers import AutoencoderKL, AutoencoderTiny, UNet2DConditionModel

    folder = find_folder(spec)
    dtype = torch.float16 if spec.half and device.type == "cuda" else torch.float32
    unet = _load(spec, UNet2DConditionModel, folder / "unet", dtype)
    kind = _config(spec, folder / "vae" / "config.json").get("_class_name")
    vae_class = {"AutoencoderKL": AutoencoderKL, "AutoencoderTiny": AutoencoderTiny}.get(str(kind))
    if vae_class is None:
        raise InputError(
            f"backbone '{spec.name}': vae/config.json names {kind!r}; known: AutoencoderKL, AutoencoderTiny"
        )
    vae = _load(spec, vae_class, folder / "vae", dtype).to(memory_format=torch.channels_last)
    context, unconditional = _contexts(spec, folder)
    if vae.config.latent_channels != unet.config.in_channels:
        raise InputError(
            f"backbone '{spec.name}': the VAE's latents have {vae.config.latent_channels} channels, the UNet takes "
            f"{unet.config.in_channels}; text-to-image models alone will do, no inpainting or depth variants"
        )
    if context.shape[-1] != unet.config.cross_attention_dim:
        raise InputError(
            f"backbone '{spec.name}': the context is {context.shape[-1]} wide, the UNet expects "
            f"{unet.config.cross_attention_dim}; the parts are of different models"
        )
    scheduler = _config(spec, folder / "scheduler" / "scheduler_config.json")
    return ImageDiffusion(spec.name, unet.to(device), vae.to(device), scheduler, context, unconditional)


def _config(spec: BackboneSpec, path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except ValueError as error:
        raise InputError(f"backbone '{spec.name}': {path} is no JSON ({error})") from error


def _load(spec: BackboneSpec, kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    named = _config(spec, folder / "config.json").get("_class_name")
    if named != kind.__name__:
        raise InputError(f"backbone '{spec.name}': {folder}/config.json is of a {named}, expected a {kind.__name__}")
    variant = "fp16" if all(".fp16." in path.name for path in weight_files(folder)) else None
    try:
        model, report = kind.from_pretrained(
            folder, torch_dtype=dtype, use_safetensors=True, variant=variant, local_files_only=True,
            low_cpu_mem_usage=False, output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # diffusers raises many kinds, depending on where a damaged file gives way
        raise InputError(
            f"backbone '{spec.name}': the weights in {folder} cannot be loaded ({str(error).splitlines()[0]}); "
            "they are damaged or of another architecture: get them again"
        ) from error
    _check_fit(spec, folder, [*report["missing_keys"], *report["unexpected_keys"]])
    return model


def _check_fit(spec: BackboneSpec, folder: Path, wrong: list[str]) -> None:
    if wrong:
        raise InputError(
            f"backbone '{spec.name}': the weights in {folder} do not fit its config.json "
            f"({len(wrong)} tensors, the first is {wrong[0]}); they are of another architecture"
        )


def _contexts(spec: BackboneSpec, folder: Path) -> tuple[Tensor, Tensor | None]:
    """The conditional context and, for models with a text encoder, zeros as the unconditional one."""
    learned = folder / "context.safetensors"
    if learned.is_file():
        try:
            return load_file(learned)["context"].float(), None
        except (SafetensorError, KeyError) as error:
            raise InputError(f"backbone '{spec.name}': {learned} cannot be loaded ({error}); get it again") from error
    from transformers import CLIPTextModel, CLIPTokenizer

    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        encoder, report = CLIPTextModel.from_pretrained(  # pyright: ignore[reportGeneralTypeIssues]
            folder / "text_encoder", use_safetensors=True, local_files_only=True, dtype=torch.float32,
            output_loading_info=True,
            variant="fp16" if all(".fp16." in p.name for p in weight_files(folder / "text_encoder")) else None,
        )  # fmt: skip
    except Exception as error:  # as above
        raise InputError(
            f"backbone '{spec.name}': {folder}/text_encoder or tokenizer cannot be loaded "
            f"({str(error).splitlines()[0]}); get them again"
        ) from error
    _check_fit(spec, folder / "text_encoder", sorted(report["missing_keys"]))
    tokens = tokenizer([""], padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt")
    with torch.inference_mode():
        context = encoder(tokens.input_ids)[0][0]
    return context, torch.zeros_like(context)
