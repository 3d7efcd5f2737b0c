"""Loading a backbone from a diffusers folder, or from the hub's cache where the config says so."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.folder import find_folder, find_tiny_decoder, image_model, weight_files
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.video_diffusion import VideoDiffusion
from zeroshot_vss.errors import InputError

AUTOENCODERS = ("AutoencoderKL", "AutoencoderKLTemporalDecoder", "AutoencoderTiny")
"""Classes of diffusers that may stand in vae/config.json."""


def load_backbone(spec: BackboneSpec, device: torch.device) -> LatentDiffusion:
    """Load a backbone.

    Raises:
        InputError: files are missing, damaged, or do not fit each other.
    """
    backbone = KINDS[spec.kind](spec, find_folder(spec), device)
    if (tiny := find_tiny_decoder(spec)) is not None:
        from diffusers import AutoencoderTiny

        decoder = load_part(spec, AutoencoderTiny, tiny, _precision(spec, device))
        channels = backbone.latent_shape(backbone.multiple, backbone.multiple)[0]
        if decoder.config.latent_channels != channels:
            raise InputError(
                f"backbone '{spec.name}': the tiny decoder's latents have {decoder.config.latent_channels} channels, "
                f"the model's {channels}; take one that was made for it"
            )
        backbone.tiny_decoder = channels_last(decoder.eval().requires_grad_(False).to(device))
    if spec.compile:
        from zeroshot_vss.backbones.compiled import compile_parts

        compile_parts(backbone.unet, backbone.vae)
    return backbone


PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def _precision(spec: BackboneSpec, device: torch.device) -> torch.dtype:
    return PRECISIONS[spec.precision_on(device.type)]


def _load_image(spec: BackboneSpec, folder: Path, device: torch.device) -> ImageDiffusion:
    from diffusers import UNet2DConditionModel

    dtype = _precision(spec, device)
    unet = load_part(spec, UNet2DConditionModel, folder / "unet", dtype)
    vae = _load_vae(spec, folder, dtype)
    context, unconditional = _contexts(spec, folder)
    _check_parts(spec, vae, unet.config.in_channels, context.shape[-1], unet.config.cross_attention_dim)
    scheduler = read_json(spec, folder / "scheduler" / "scheduler_config.json")
    return ImageDiffusion(spec.name, _on(device, unet), vae.to(device), scheduler, context, unconditional)


def _load_video(spec: BackboneSpec, folder: Path, device: torch.device) -> VideoDiffusion:
    dtype = _precision(spec, device)
    scheduler = read_json(spec, folder / "scheduler" / "scheduler_config.json")
    image = image_model(folder)
    if image is None:
        from diffusers import UNetSpatioTemporalConditionModel

        unet = load_part(spec, UNetSpatioTemporalConditionModel, folder / "unet", dtype)
        vae = _load_vae(spec, folder, dtype)
        embed, width = _image_embedding(spec, folder, device)
    else:
        unet = _extended_unet(spec, folder, image, dtype)
        vae = _load_vae(spec, image, dtype)
        context, _ = _contexts(spec, image)
        embed, width = (lambda _: context), context.shape[-1]
    _check_parts(spec, vae, unet.config.out_channels, width, unet.config.cross_attention_dim)
    return VideoDiffusion(spec.name, _on(device, unet), vae.to(device), scheduler, embed)


def _extended_unet(spec: BackboneSpec, folder: Path, image: Path, dtype: torch.dtype) -> Any:
    """The UNet of a folder that holds temporal weights only and points to the image model which they extend."""
    from diffusers import UNet2DConditionModel

    from zeroshot_vss.backbones.inflation import inflate

    unet = inflate(load_part(spec, UNet2DConditionModel, image / "unet", torch.float32))
    temporal = read_tensors(spec, folder / "unet" / "temporal.safetensors")
    fits = {name: weight.shape for name, weight in unet.state_dict().items()}
    wrong = [name for name, weight in temporal.items() if fits.get(name) != weight.shape]
    wrong += sorted(name for name in fits if "temporal" in name and name not in temporal)
    _check_fit(spec, folder / "unet", wrong)
    unet.load_state_dict({name: weight.float() for name, weight in temporal.items()}, strict=False)
    model: Any = unet
    return model.to(dtype)


def _image_embedding(
    spec: BackboneSpec, folder: Path, device: torch.device
) -> tuple[Callable[[Tensor], Tensor], int]:
    """CLIP's embedding of an image [1, 3, H, W] in [-1, 1] as one token, as SVD's pipeline computes it; its width."""
    from diffusers.pipelines.stable_video_diffusion import pipeline_stable_video_diffusion as svd
    from transformers import CLIPVisionModelWithProjection

    try:
        encoder, report = CLIPVisionModelWithProjection.from_pretrained(  # pyright: ignore[reportGeneralTypeIssues]
            folder / "image_encoder", use_safetensors=True, local_files_only=True, dtype=torch.float32,
            output_loading_info=True,
            variant="fp16" if all(".fp16." in p.name for p in weight_files(folder / "image_encoder")) else None,
        )  # fmt: skip
    except Exception as error:  # as in load_part
        raise InputError(
            f"backbone '{spec.name}': {folder}/image_encoder cannot be loaded ({str(error).splitlines()[0]}); "
            "get it again"
        ) from error
    _check_fit(spec, folder / "image_encoder", sorted(report["missing_keys"]))
    encoder = encoder.eval().requires_grad_(False).to(device)
    normalise = read_json(spec, folder / "feature_extractor" / "preprocessor_config.json")
    mean, std = (torch.tensor(normalise[key]).view(3, 1, 1) for key in ("image_mean", "image_std"))
    side = encoder.config.image_size

    def embed(image: Tensor) -> Tensor:
        small = svd._resize_with_antialiasing(image, (side, side))
        pixels = ((small + 1) / 2 - mean) / std
        return encoder(pixels.to(device)).image_embeds

    return embed, encoder.config.projection_dim


KINDS: dict[str, Callable[[BackboneSpec, Path, torch.device], LatentDiffusion]] = {
    "image": _load_image,
    "video": _load_video,
}
"""Kinds of backbones by name: how each is loaded from its folder."""


def _load_vae(spec: BackboneSpec, folder: Path, dtype: torch.dtype) -> Any:
    import diffusers

    config = read_json(spec, folder / "vae" / "config.json")
    kind = str(config.get("_class_name"))
    if kind not in AUTOENCODERS:
        raise InputError(f"backbone '{spec.name}': vae/config.json names {kind!r}; known: {', '.join(AUTOENCODERS)}")
    vae = load_part(spec, getattr(diffusers, kind), folder / "vae", dtype)
    # As SVD's pipeline does: its encoder's activations exceed what float16 holds, its decoder's do not. diffusers'
    # default of the key is true, also for VAEs that need no such thing; what counts is what the file says.
    if dtype == torch.float16 and config.get("force_upcast"):
        vae.encoder.float()
        vae.quant_conv.float()
    return channels_last(vae)


def channels_last(model: Any) -> Any:
    """The model with its 2-D convolutions in the layout that matrix units take as it is, and oneDNN likes in VAEs."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.weight.data = module.weight.data.contiguous(memory_format=torch.channels_last)
    return model


def _on(device: torch.device, unet: Any) -> Any:
    """A UNet on its device. On CPUs channels-last gains nothing in it (measured: docs/performance.md)."""
    return channels_last(unet.to(device)) if device.type == "cuda" else unet.to(device)


def _check_parts(spec: BackboneSpec, vae: Any, channels: int, context: int, expected: int) -> None:
    if vae.config.latent_channels != channels:
        raise InputError(
            f"backbone '{spec.name}': the VAE's latents have {vae.config.latent_channels} channels, the UNet takes "
            f"{channels}; text-to-image models alone will do, no inpainting or depth variants"
        )
    if context != expected:
        raise InputError(
            f"backbone '{spec.name}': the context is {context} wide, the UNet expects {expected}; the parts are of "
            "different models"
        )


def read_json(spec: BackboneSpec, path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise InputError(f"backbone '{spec.name}': {path} is no JSON ({error})") from error
    if not isinstance(values, dict):
        raise InputError(f"backbone '{spec.name}': {path} must hold names and values")
    return values


def read_tensors(spec: BackboneSpec, path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        InputError: it is damaged.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"backbone '{spec.name}': {path} cannot be loaded ({error}); get it again") from error


def load_part(spec: BackboneSpec, kind: Any, folder: Path, dtype: torch.dtype) -> Any:
    named = read_json(spec, folder / "config.json").get("_class_name")
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
        tensors = read_tensors(spec, learned)
        if "context" not in tensors:
            raise InputError(f"backbone '{spec.name}': {learned} holds no tensor 'context'; get it again")
        return tensors["context"].float(), None
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
