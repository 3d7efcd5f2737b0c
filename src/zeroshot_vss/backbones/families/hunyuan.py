"""HunyuanVideo, text to video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from zeroshot_vss.backbones.families.base import Call
from zeroshot_vss.backbones.families.video import VideoFamily


class HunyuanVideo(VideoFamily):
    """`HunyuanVideoTransformer3DModel`. The single blocks are counted on behind the double ones (0 to 19)."""

    autoencoder: ClassVar[str] = "AutoencoderKLHunyuanVideo"
    blocks: ClassVar[tuple[str, ...]] = ("transformer_blocks", "single_transformer_blocks")
    lengths: ClassVar[tuple[str, ...]] = ("num_layers", "num_single_layers")
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", "pooled_prompt_embeds", "prompt_attention_mask")
    text_first: ClassVar[bool] = False
    text_given_first: ClassVar[bool] = False

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {
            "prompt_embeds": config["text_embed_dim"],
            "pooled_prompt_embeds": config["pooled_projection_dim"],
            "prompt_attention_mask": None,
        }

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        if config.get("image_condition_type") is not None:
            return f"image_condition_type is {config['image_condition_type']!r}; take the text-to-video model"
        if config["patch_size_t"] != 1:
            return f"patch_size_t is {config['patch_size_t']}; take a model with 1, as HunyuanVideo has"
        return None

    def compression(self, vae: Mapping[str, Any]) -> tuple[int, int]:
        return int(vae["spatial_compression_ratio"]), int(vae["temporal_compression_ratio"])

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        told = call.x.new_full((len(call.x),), 1000 * call.guidance) if network.config.guidance_embeds else None
        return {
            "hidden_states": call.x,
            "timestep": call.times.to(call.x.dtype),
            "encoder_hidden_states": call.each("prompt_embeds"),
            "encoder_attention_mask": call.each("prompt_attention_mask"),
            "pooled_projections": call.each("pooled_prompt_embeds"),
            "guidance": told,
        }
