"""Small random vision transformers and diffusion transformers on disk, in the formats of the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

PREPROCESSOR = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
WIDTH, HEADS, DEPTH = 16, 2, 3
_SIZES: dict[str, Any] = {"hidden_size": WIDTH, "num_hidden_layers": DEPTH, "num_attention_heads": HEADS}


def _vision(kind: str) -> Any:
    """A random model of a `model_type`."""
    plain = {**_SIZES, "intermediate_size": 24, "image_size": 32, "patch_size": 8}
    if kind == "dinov2":
        from transformers import Dinov2Config, Dinov2Model

        return Dinov2Model(Dinov2Config(**_SIZES, image_size=32, patch_size=8))
    if kind == "dinov2_with_registers":
        from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

        return Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(**_SIZES, image_size=32, patch_size=8, num_register_tokens=4)
        )
    if kind == "dinov3_vit":
        from transformers import DINOv3ViTConfig, DINOv3ViTModel

        return DINOv3ViTModel(DINOv3ViTConfig(**plain, num_register_tokens=4))
    if kind == "vit":
        from transformers import ViTConfig, ViTModel

        return ViTModel(ViTConfig(**plain))
    if kind == "clip_vision_model":
        from transformers import CLIPVisionConfig, CLIPVisionModel

        return CLIPVisionModel(CLIPVisionConfig(**plain))
    if kind == "clip":
        from transformers import CLIPConfig, CLIPModel

        text = {"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1,
                "num_attention_heads": 1, "max_position_embeddings": 8}  # fmt: skip
        return CLIPModel(CLIPConfig(text_config=text, vision_config=plain, projection_dim=8))
    if kind == "siglip_vision_model":
        from transformers import SiglipVisionConfig, SiglipVisionModel

        return SiglipVisionModel(SiglipVisionConfig(**plain))
    return _sam(kind)


def _sam(kind: str) -> Any:
    from transformers import Sam2Config, Sam2Model, Sam2VisionConfig, Sam2VisionModel
    from transformers.models.sam2.configuration_sam2 import Sam2HieraDetConfig

    hiera = Sam2HieraDetConfig(
        hidden_size=8, num_attention_heads=1, blocks_per_stage=[1, 1, 2, 1], embed_dim_per_stage=[8, 16, 32, 64],
        num_attention_heads_per_stage=[1, 2, 2, 4], window_size_per_stage=[8, 4, 4, 2],
        window_positional_embedding_background_size=[7, 7], global_attention_blocks=[3], image_size=[64, 64],
    )  # fmt: skip
    vision = Sam2VisionConfig(backbone_config=hiera, backbone_channel_list=[64, 32, 16, 8], fpn_hidden_size=8)
    if kind == "sam2_vision_model":
        return Sam2VisionModel(vision)
    prompt = {"hidden_size": 8, "image_size": 64, "mask_input_channels": 4}
    decoder = {"hidden_size": 8, "mlp_dim": 8, "num_attention_heads": 2, "iou_head_hidden_dim": 8}
    return Sam2Model(Sam2Config(vision_config=vision, prompt_encoder_config=prompt, mask_decoder_config=decoder))


def save_vision(folder: Path, kind: str, seed: int = 0) -> Path:
    """Save a random vision transformer of a `model_type` with its preprocessor's config; returns the folder."""
    torch.manual_seed(seed)
    model = _vision(kind)
    for parameter in model.parameters():
        # As drawn, weights of 0.02 leave nearly nothing of the frame in the deeper blocks.
        parameter.data.normal_(std=0.2)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return folder
