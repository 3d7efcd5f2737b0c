"""What loading a backbone of any kind shares: parts of a diffusers folder, their precision, whether they fit."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.families import network_class
from zeroshot_vss.backbones.kind import ModelFiles, find_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError

AUTOENCODERS = ("AutoencoderKL", "AutoencoderKLTemporalDecoder", "AutoencoderTiny")
"""Classes of diffusers that may stand in vae/config.json."""
SINGLE = "_keep_in_fp32_modules"
"""Of a class of diffusers: names of modules that stay in single precision."""
PRECISIONS = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


def load_backbone(spec: BackboneSpec, device: torch.device) -> LatentDiffusion:
    """Find and load a diffusion model with a UNet.

    Raises:
        InputError: files are missing, damaged, or do not fit each other.
        TypeError: it is of another kind.
    """
    backbone = load_model(find_model(spec), device)
    if not isinstance(backbone, LatentDiffusion):
        raise TypeError(f"backbone '{spec.name}' is of kind '{spec.kind}', which has no UNet")
    return backbone


def load_model(model: ModelFiles, device: torch.device) -> Backbone:
    """Load a backbone whose files are found, with its tiny decoder where it has one.

    Raises:
        InputError: files are damaged, or do not fit each other.
    """
    backbone = model.kind.load(model, device)
    if "tiny_decoder" in model.parts:
        if not isinstance(backbone, LatentDiffusion):
            raise InputError(f"{model.whose}: tiny_decoder: a {model.spec.kind} takes none; leave it out")
        backbone.tiny_decoder = _load_tiny_decoder(model, backbone, device)
    if model.spec.compile:
        if not isinstance(backbone, LatentDiffusion):
            raise InputError(f"{model.whose}: compile is for models with a UNet; leave it out")
        from zeroshot_vss.backbones.compiled import compile_parts

        compile_parts(backbone.unet, backbone.vae)
    return backbone


def precision(model: ModelFiles, device: torch.device) -> torch.dtype:
    """What the networks compute in on a device."""
    return PRECISIONS[model.spec.precision_on(device.type)]


def _load_tiny_decoder(model: ModelFiles, backbone: LatentDiffusion, device: torch.device) -> Any:
    from diffusers import AutoencoderTiny

    decoder = load_part(model, "tiny_decoder", AutoencoderTiny, precision(model, device))
    channels = backbone.latent_shape(backbone.multiple, backbone.multiple)[0]
    if decoder.config.latent_channels != channels:
        raise InputError(
            f"{model.whose}: the tiny decoder's latents have {decoder.config.latent_channels} channels, the model's "
            f"{channels}; take one that was made for it"
        )
    return channels_last(decoder.eval().requires_grad_(False).to(device))


def load_autoencoder(model: ModelFiles, device: torch.device, known: Sequence[str] = AUTOENCODERS) -> Any:
    """The part `vae`, in memory; `known` are the classes of diffusers that it may be of.

    Raises:
        InputError: it is of a class that is not known, damaged, or does not fit its config.
    """
    import diffusers

    config = read_json(model.whose, model.parts["vae"].path / "config.json")
    kind = str(config.get("_class_name"))
    if kind not in known:
        raise InputError(f"{model.whose}: vae/config.json names {kind!r}; known: {', '.join(known)}")
    dtype = PRECISIONS[model.spec.autoencoder_precision_on(device.type, kind)]
    vae = load_part(model, "vae", getattr(diffusers, kind), dtype)
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


def on_device(unet: Any, device: torch.device) -> Any:
    """A UNet on its device. On CPUs channels-last gains nothing in it (measured: docs/performance.md)."""
    return channels_last(unet.to(device)) if device.type == "cuda" else unet.to(device)


def scheduler(model: ModelFiles) -> dict[str, Any]:
    """The noise schedule that the model was trained with."""
    return read_json(model.whose, model.parts["scheduler"].path / "scheduler_config.json")


def check_fit(model: ModelFiles, vae: Any, channels: int, context: int, expected: int) -> None:
    """Refuse parts that are of different models.

    Args:
        model: named in messages.
        vae: the autoencoder.
        channels: of the latents that the UNet takes.
        context, expected: width of the context, and that which the UNet takes.

    Raises:
        InputError: they do not fit.
    """
    if vae.config.latent_channels != channels:
        raise InputError(
            f"{model.whose}: the VAE's latents have {vae.config.latent_channels} channels, the UNet takes "
            f"{channels}; text-to-image models alone will do, no inpainting or depth variants"
        )
    if context != expected:
        raise InputError(
            f"{model.whose}: the context is {context} wide, the UNet expects {expected}; the parts are of different "
            "models"
        )


def read_tensors(model: ModelFiles, path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file.

    Raises:
        InputError: it is damaged.
    """
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{model.whose}: {path} cannot be loaded ({error}); get it again") from error


def load_part(model: ModelFiles, name: str, kind: Any, dtype: torch.dtype) -> Any:
    """A part of diffusers' class `kind`, with exactly the weights that its config asks for.

    Raises:
        InputError: its config is of another class, or its weights are damaged or of another architecture.
    """
    part = model.parts[name]
    named = network_class(read_json(model.whose, part.path / "config.json"))
    if named != kind.__name__:
        raise InputError(f"{model.whose}: {part.path}/config.json is of a {named}, expected a {kind.__name__}")
    single = getattr(kind, SINGLE, None)
    # diffusers wants accelerate for classes of which some modules stay in single precision.
    plain = kind if single is None else type(kind.__name__, (kind,), {SINGLE: None})
    try:
        network, report = plain.from_pretrained(
            part.path, torch_dtype=dtype if single is None else torch.float32, use_safetensors=True,
            variant=part.variant, local_files_only=True,
            low_cpu_mem_usage=False, output_loading_info=True,
        )  # fmt: skip
    except Exception as error:  # diffusers raises many kinds, depending on where a damaged file gives way
        raise InputError(
            f"{model.whose}: the weights in {part.path} cannot be loaded ({_first_line(error)}); they are damaged or "
            "of another architecture: get them again"
        ) from error
    check_names(model, part.path, [*report["missing_keys"], *report["unexpected_keys"]])
    if single is not None:
        network.__class__ = kind
        for path, values in (*network.named_parameters(), *network.named_buffers()):
            if values.is_floating_point() and not set(single) & set(path.split(".")):
                values.data = values.data.to(dtype)
    return network


def load_encoder(model: ModelFiles, name: str, kind: Any, dtype: torch.dtype = torch.float32) -> Any:
    """A part of transformers' class `kind`; weights that it does not use are passed over.

    Raises:
        InputError: it is damaged, or lacks weights.
    """
    part = model.parts[name]
    try:
        encoder, report = kind.from_pretrained(
            part.path, use_safetensors=True, local_files_only=True, dtype=dtype, output_loading_info=True,
            variant=part.variant,
        )  # fmt: skip
    except Exception as error:  # as above
        raise InputError(
            f"{model.whose}: {part.path} cannot be loaded ({_first_line(error)}); get it again"
        ) from error
    check_names(model, part.path, sorted(report["missing_keys"]))
    return encoder


def check_names(model: ModelFiles, folder: Path, wrong: list[str]) -> None:
    """Refuse weights of which some are missing, left over, or of another shape.

    Raises:
        InputError: naming the first.
    """
    if wrong:
        raise InputError(
            f"{model.whose}: the weights in {folder} do not fit its config.json ({len(wrong)} tensors, the first is "
            f"{wrong[0]}); they are of another architecture"
        )


def contexts(model: ModelFiles) -> tuple[Tensor, Tensor | None]:
    """The conditional context [tokens, width] and, for models with a text encoder, zeros as the unconditional one.

    Raises:
        InputError: the files are damaged.
    """
    if "context" in model.parts:
        path = model.parts["context"].path
        tensors = read_tensors(model, path)
        if "context" not in tensors:
            raise InputError(f"{model.whose}: {path} holds no tensor 'context'; get it again")
        return tensors["context"].float(), None
    from transformers import CLIPTextModel, CLIPTokenizer

    folder = model.parts["tokenizer"].path
    try:
        tokenizer = CLIPTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # as above
        raise InputError(f"{model.whose}: {folder} cannot be loaded ({_first_line(error)}); get it again") from error
    encoder = load_encoder(model, "text_encoder", CLIPTextModel)
    tokens = tokenizer([""], padding="max_length", max_length=tokenizer.model_max_length, return_tensors="pt")
    with torch.inference_mode():
        context = encoder(tokens.input_ids)[0][0]
    return context, torch.zeros_like(context)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
