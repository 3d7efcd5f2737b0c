"""A video UNet from an image UNet, in the way that Stable Video Diffusion extends Stable Diffusion.

The image model's layers become the spatial layers of diffusers' `UNetSpatioTemporalConditionModel`; the temporal
layers, and the input channels that take the conditioning latents, start without effect, so that the inflated model
predicts for each frame what the image model predicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from diffusers import UNet2DConditionModel, UNetSpatioTemporalConditionModel
from torch import Tensor, nn

TIME_IDS = 3
"""Numbers that a video model is told beside the timestep: frame rate, motion bucket, noise on the condition."""


def video_config(image: UNet2DConditionModel, time_id_width: int = 16) -> dict[str, Any]:
    """Config of the inflated model.

    `norm_num_groups` is no key of diffusers' class, which fixes 32 groups; :func:`build_video_unet` reads it.
    """
    config: Any = image.config
    heads = config.num_attention_heads or config.attention_head_dim
    return {
        "_class_name": UNetSpatioTemporalConditionModel.__name__,
        "in_channels": 2 * config.in_channels,
        "out_channels": config.out_channels,
        "block_out_channels": list(config.block_out_channels),
        "down_block_types": [kind.replace("2D", "SpatioTemporal") for kind in config.down_block_types],
        "up_block_types": [kind.replace("2D", "SpatioTemporal") for kind in config.up_block_types],
        "layers_per_block": config.layers_per_block,
        "num_attention_heads": list(heads) if not isinstance(heads, int) else heads,
        "cross_attention_dim": config.cross_attention_dim,
        "addition_time_embed_dim": time_id_width,
        "projection_class_embeddings_input_dim": TIME_IDS * time_id_width,
        "norm_num_groups": config.norm_num_groups,
    }


@contextmanager
def _groups(count: int) -> Iterator[None]:
    """Every `GroupNorm` built inside has `count` groups, whatever its maker asks for."""

    def group_norm(num_groups: int, num_channels: int, **options: Any) -> nn.GroupNorm:
        return original(count, num_channels, **options)

    original = nn.GroupNorm
    with patch.object(torch.nn, "GroupNorm", group_norm):
        yield


def build_video_unet(config: dict[str, Any]) -> UNetSpatioTemporalConditionModel:
    """An untrained video UNet of a :func:`video_config`."""
    known = {key: value for key, value in config.items() if not key.startswith("_")}
    with _groups(known.pop("norm_num_groups", 32)):
        return UNetSpatioTemporalConditionModel(**known)


def spatial_weights(image: UNet2DConditionModel) -> dict[str, Tensor]:
    """The image model's weights under the names that they have in the video model."""

    def name_in_video(name: str) -> str:
        head, separator, tail = name.partition(".resnets.")
        if not separator:
            return name
        number, rest = tail.split(".", 1)
        return f"{head}.resnets.{number}.spatial_res_block.{rest}"

    weights = {name_in_video(name): weight for name, weight in image.state_dict().items()}
    first = weights["conv_in.weight"]
    weights["conv_in.weight"] = torch.cat([first, torch.zeros_like(first)], 1)
    return weights


def inflate(image: UNet2DConditionModel) -> UNetSpatioTemporalConditionModel:
    """The video model whose every frame is, before any training, predicted as the image model predicts it."""
    video = build_video_unet(video_config(image))
    fits = video.load_state_dict(spatial_weights(image), strict=False)
    assert not fits.unexpected_keys, fits.unexpected_keys
    for name, module in video.named_modules():
        if name.endswith(("temporal_res_block.conv2", "time_pos_embed.linear_2", "add_embedding.linear_2")) or (
            "temporal_transformer_blocks" in name and name.endswith(("to_out.0", "net.2"))
        ):
            assert isinstance(module, nn.Linear | nn.Conv3d)
            nn.init.zeros_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return video


def temporal_weights(video: UNetSpatioTemporalConditionModel, image: UNet2DConditionModel) -> dict[str, Tensor]:
    """What the video model adds to the image model's weights: all that training may change."""
    shared = set(spatial_weights(image)) - {"conv_in.weight"}
    return {name: weight for name, weight in video.state_dict().items() if name not in shared}
