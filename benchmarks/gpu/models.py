"""Random models of the real ones' sizes, written as diffusers folders so that the library's own loading is timed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

import torch
from diffusers import AutoencoderTiny

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from small_models import SD_SCHEDULE, SVD_SCHEDULE, write_tokenizer
from zeroshot_vss.backbones.spec import BackboneSpec, Precision

LEVELS = 4


class Model(NamedTuple):
    """What distinguishes a model from the others of its kind."""

    kind: Literal["image", "video"]
    title: str
    settings: str
    """The backbone of config/paper.yaml whose settings it takes."""
    unet: dict[str, Any]
    vae: dict[str, Any]
    encoder: dict[str, Any]
    """Of CLIP's text encoder, or of its image encoder for video models."""
    tiny: dict[str, Any] = {}
    """Of the tiny decoder; diffusers' defaults are TAESD's."""


TINY: dict[str, Any] = {
    "encoder_block_out_channels": (8,) * 4, "decoder_block_out_channels": (8,) * 4,
    "num_encoder_blocks": (1,) * 4, "num_decoder_blocks": (1,) * 4,
}  # fmt: skip
MODELS = {
    "sd21": Model(
        "image",
        "SD 2.1 size",
        "sd21",
        {"block_out_channels": (320, 640, 1280, 1280), "attention_head_dim": (5, 10, 20, 20),
         "cross_attention_dim": 1024, "sample_size": 64},
        {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "sample_size": 768},
        {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 23, "num_attention_heads": 16,
         "hidden_act": "gelu"},
    ),
    "svd": Model(
        "video",
        "SVD size",
        "svd",
        {"num_attention_heads": (5, 10, 20, 20), "num_frames": 14},  # diffusers' defaults are SVD's for the rest
        {"block_out_channels": (128, 256, 512, 512), "layers_per_block": 2, "sample_size": 768},
        {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 16,
         "patch_size": 14, "projection_dim": 1024, "hidden_act": "gelu"},
    ),
    "tiny": Model(
        "image",
        "tiny image model",
        "sd21",
        {"block_out_channels": (32, 32, 64, 64), "attention_head_dim": 2, "cross_attention_dim": 32,
         "norm_num_groups": 16},
        {"block_out_channels": (8, 8, 16, 16), "layers_per_block": 1, "norm_num_groups": 4},
        {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2},
        TINY,
    ),
    "tiny-video": Model(
        "video",
        "tiny video model",
        "svd",
        {"block_out_channels": (32, 32, 64, 64), "num_attention_heads": (2, 2, 4, 4), "cross_attention_dim": 32,
         "addition_time_embed_dim": 8, "projection_class_embeddings_input_dim": 24, "num_frames": 4},
        {"block_out_channels": (32,) * 4, "layers_per_block": 1},
        {"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2,
         "patch_size": 56, "projection_dim": 32},
        TINY,
    ),
}  # fmt: skip
"""By the names of the command line."""


def make_unet(model: Model) -> Any:
    """A random UNet of a model, on torch's default device."""
    if model.kind == "video":
        from diffusers import UNetSpatioTemporalConditionModel

        return UNetSpatioTemporalConditionModel(**model.unet)
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        layers_per_block=2,
        use_linear_projection=True,
        **model.unet,
    )


def make_vae(model: Model) -> Any:
    """A random autoencoder of a model, on torch's default device."""
    levels = ("UpDecoderBlock2D",) * LEVELS
    options: dict[str, Any] = {"down_block_types": ("DownEncoderBlock2D",) * LEVELS, "scaling_factor": 0.18215}
    if model.kind == "video":
        from diffusers import AutoencoderKLTemporalDecoder

        return AutoencoderKLTemporalDecoder(**options, **model.vae)
    from diffusers import AutoencoderKL

    return AutoencoderKL(**options, up_block_types=levels, **model.vae)  # pyright: ignore[reportArgumentType]


class Execution(NamedTuple):
    """Where and how networks run."""

    device: torch.device
    precision: Precision
    compiled: bool


def write_model(name: str, folder: Path, execution: Execution, seed: int = 0) -> BackboneSpec:
    """Write a random model in the format that the library loads; returns where it is.

    The numbers are drawn on the device. A model of 1.5 billion weights takes 3 GB in half precision.
    """
    model = MODELS[name]
    spec = BackboneSpec(
        name=name, path=str(folder), kind=model.kind, precision=execution.precision, compile=execution.compiled,
        tiny_decoder=str(folder / "tiny_decoder"),
    )  # fmt: skip
    single = spec.precision_on(execution.device.type) == "float32"
    torch.manual_seed(seed)
    video = model.kind == "video"
    parts: dict[str, Callable[[], Any]] = {
        "unet": lambda: make_unet(model),
        "vae": lambda: make_vae(model),
        "image_encoder" if video else "text_encoder": lambda: make_encoder(model),
        "tiny_decoder": lambda: AutoencoderTiny(**model.tiny),
    }
    for part, make in parts.items():
        with execution.device:
            made = make()
        (made if single else made.half()).save_pretrained(folder / part)
    _write_json(folder / "scheduler" / "scheduler_config.json", SVD_SCHEDULE if video else SD_SCHEDULE)
    if video:
        values = {
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        }
        _write_json(folder / "feature_extractor" / "preprocessor_config.json", values)
    else:
        write_tokenizer(folder / "tokenizer")
    return spec


def make_encoder(model: Model) -> Any:
    """A random CLIP encoder of a model, on torch's default device."""
    import transformers as library

    if model.kind == "video":
        config = library.CLIPVisionConfig(image_size=224, **model.encoder)
        return library.CLIPVisionModelWithProjection(config)
    # The tokenizer's few words are the first of the vocabulary.
    return library.CLIPTextModel(
        library.CLIPTextConfig(bos_token_id=6, eos_token_id=7, pad_token_id=0, **model.encoder)
    )


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.parent.mkdir()
    path.write_text(json.dumps(values))
