"""Small random backbones on disk, in the formats of the real ones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file

CONTEXT_TOKENS, CONTEXT_WIDTH = 4, 32
SD_SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}

SVD_SCHEDULE: dict[str, Any] = {
    **SD_SCHEDULE,
    "interpolation_type": "linear",
    "prediction_type": "v_prediction",
    "sigma_max": 700.0,
    "sigma_min": 0.002,
    "steps_offset": 1,
    "timestep_spacing": "leading",
    "timestep_type": "continuous",
    "use_karras_sigmas": True,
}


def _unet(channels: tuple[int, ...], groups: int, linear: bool = True) -> Any:
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=16,
        block_out_channels=channels,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        layers_per_block=2,
        attention_head_dim=2,
        cross_attention_dim=CONTEXT_WIDTH,
        norm_num_groups=groups,
        use_linear_projection=linear,
    )


def save_stable_diffusion(
    folder: Path,
    seed: int = 0,
    variant: str | None = None,
    linear: bool = True,
    predicts: Literal["epsilon", "v_prediction"] = "epsilon",
) -> Path:
    """Save a random `StableDiffusionPipeline` with the topology of SD 2.1; returns the folder.

    `variant="fp16"` writes half precision under the names that the hub uses for it. Without `linear` transformers
    begin and end with convolutions, as in SD 1.5; `predicts="v_prediction"` is SD 2.1 at 768 pixels.
    """
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
    from diffusers.schedulers.scheduling_pndm import PNDMScheduler
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

    write_tokenizer(folder / "tokenizer")
    torch.manual_seed(seed)
    levels: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "block_out_channels": (8, 8, 16, 16),
    }
    vae = AutoencoderKL(
        **levels, layers_per_block=1, latent_channels=4, norm_num_groups=4, sample_size=128, scaling_factor=0.18215
    )
    scheduler: Any = PNDMScheduler(
        **SD_SCHEDULE, skip_prk_steps=True, steps_offset=1, set_alpha_to_one=False, prediction_type=predicts
    )
    text = CLIPTextConfig(
        vocab_size=8, hidden_size=CONTEXT_WIDTH, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2,
        max_position_embeddings=77, bos_token_id=6, eos_token_id=7, pad_token_id=0,
    )  # fmt: skip
    pipeline = StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=_unet((32, 32, 64, 64), 16, linear),
        scheduler=scheduler,
        safety_checker=None,  # pyright: ignore[reportArgumentType]
        feature_extractor=None,  # pyright: ignore[reportArgumentType]
        requires_safety_checker=False,
    )
    if variant == "fp16":
        pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True, variant=variant)
    # The hub's folder is older than tokenizer.json, which is written now.
    shutil.rmtree(folder / "tokenizer")
    write_tokenizer(folder / "tokenizer")
    return folder


def write_tokenizer(folder: Path) -> None:
    """The four files that SD 2.1 has, with a vocabulary of two letters."""
    folder.mkdir(parents=True)
    vocabulary = ["!", "a", "b", "a</w>", "b</w>", "ab</w>", "<|startoftext|>", "<|endoftext|>"]
    start, end = vocabulary[-2:]
    (folder / "vocab.json").write_text(json.dumps({word: index for index, word in enumerate(vocabulary)}))
    (folder / "merges.txt").write_text("#version: 0.2\na b</w>\n")
    special = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": "!"}
    (folder / "special_tokens_map.json").write_text(json.dumps(special))
    config = {**special, "tokenizer_class": "CLIPTokenizer", "model_max_length": 77, "do_lower_case": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))


def save_embedded(folder: Path, seed: int = 0) -> Path:
    """Save a random model with the parts of models/scenes-tiny, in half precision; returns the folder."""
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    torch.manual_seed(seed)
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8,) * 3,
        decoder_block_out_channels=(8,) * 3,
        num_encoder_blocks=(1, 1, 1),
        num_decoder_blocks=(1, 1, 1),
        latent_channels=4,
        scaling_factor=1.0,
    )
    _unet((16, 16, 32, 32), 8).half().save_pretrained(folder / "unet")
    vae.half().save_pretrained(folder / "vae")
    DDPMScheduler(**SD_SCHEDULE, clip_sample=False).save_pretrained(folder / "scheduler")
    context = torch.randn(CONTEXT_TOKENS, CONTEXT_WIDTH).half()
    save_file({"context": context}, folder / "context.safetensors")
    return folder


def save_stable_video_diffusion(folder: Path, seed: int = 0) -> Path:
    """Save a random `StableVideoDiffusionPipeline` with the topology of SVD; returns the folder."""
    from diffusers.models.autoencoders.autoencoder_kl_temporal_decoder import AutoencoderKLTemporalDecoder
    from diffusers.models.unets.unet_spatio_temporal_condition import UNetSpatioTemporalConditionModel
    from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import (
        StableVideoDiffusionPipeline,
    )
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

    torch.manual_seed(seed)
    unet = UNetSpatioTemporalConditionModel(
        sample_size=16,
        block_out_channels=(32, 32, 64, 64),
        addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=24,
        cross_attention_dim=CONTEXT_WIDTH,
        num_attention_heads=(2, 2, 4, 4),
        num_frames=4,
    )
    for name, parameter in unet.named_parameters():
        if name.endswith("mix_factor"):
            parameter.data.normal_()
    levels: dict[str, Any] = {"down_block_types": ("DownEncoderBlock2D",) * 4, "block_out_channels": (32,) * 4}
    vae = AutoencoderKLTemporalDecoder(**levels, layers_per_block=1, scaling_factor=0.18215)
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=24, projection_dim=CONTEXT_WIDTH, num_hidden_layers=2,
        num_attention_heads=2, image_size=224, patch_size=56,
    )  # fmt: skip
    pipeline = StableVideoDiffusionPipeline(
        vae=vae,
        image_encoder=CLIPVisionModelWithProjection(vision),
        unet=unet,
        scheduler=EulerDiscreteScheduler(**SVD_SCHEDULE),
        feature_extractor=CLIPImageProcessor(),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


CITYSCAPES_CLASSES = (
    "road", "sidewalk", "building", "wall", "fence", "pole", "traffic light", "traffic sign", "vegetation", "terrain",
    "sky", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
)  # fmt: skip


def save_mask2former(folder: Path, seed: int = 0, classes: tuple[str, ...] = CITYSCAPES_CLASSES) -> Path:
    """Save a random `Mask2FormerForUniversalSegmentation` with its image processor; returns the folder."""
    from transformers import Mask2FormerConfig, Mask2FormerForUniversalSegmentation, SwinConfig
    from transformers.models.mask2former.image_processing_pil_mask2former import Mask2FormerImageProcessorPil

    torch.manual_seed(seed)
    backbone = SwinConfig(
        embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4, image_size=64,
    )  # fmt: skip
    backbone.out_features = ["stage1", "stage2", "stage3", "stage4"]
    config = Mask2FormerConfig(
        backbone_config=backbone, hidden_dim=32, feature_size=32, mask_feature_size=32, encoder_feedforward_dim=32,
        encoder_layers=1, decoder_layers=2, num_attention_heads=2, dim_feedforward=32, num_queries=8,
        id2label=dict(enumerate(classes)), label2id={name: index for index, name in enumerate(classes)},
    )  # fmt: skip
    Mask2FormerForUniversalSegmentation(config).save_pretrained(folder)
    Mask2FormerImageProcessorPil(size={"height": 64, "width": 96}).save_pretrained(folder)
    return folder


def save_sdxl(folder: Path, seed: int = 0) -> Path:
    """Save a random `StableDiffusionXLPipeline` with the topology of SDXL; returns the folder."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

    from small_transformers import small_vae

    torch.manual_seed(seed)
    text: dict[str, Any] = {
        "vocab_size": 8, "hidden_size": CONTEXT_WIDTH // 2, "intermediate_size": 24, "num_hidden_layers": 2,
        "num_attention_heads": 2, "bos_token_id": 6, "eos_token_id": 7, "pad_token_id": 0, "projection_dim": 8,
    }  # fmt: skip
    write_tokenizer(folder / "tokenizer")
    layers: Any = (1, 2, 3)  # as SDXL's own config has it, where the annotation says a tuple of one
    attention: Any = (2, 2, 4)
    unet = UNet2DConditionModel(
        sample_size=16, block_out_channels=(16, 32, 64), layers_per_block=2, norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"), attention_head_dim=attention,
        cross_attention_dim=CONTEXT_WIDTH, transformer_layers_per_block=layers, use_linear_projection=True,
        addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=56,
    )  # fmt: skip
    scheduler: Any = EulerDiscreteScheduler(**SD_SCHEDULE, timestep_spacing="leading", steps_offset=1)
    pipeline = StableDiffusionXLPipeline(
        vae=small_vae(scaling_factor=0.13025, force_upcast=True),
        text_encoder=CLIPTextModel(CLIPTextConfig(**text)),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(**text)),
        tokenizer=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        tokenizer_2=CLIPTokenizer.from_pretrained(folder / "tokenizer"),
        unet=unet,
        scheduler=scheduler,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
