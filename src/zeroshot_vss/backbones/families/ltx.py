"""LTX-Video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.families.base import Call
from zeroshot_vss.backbones.families.video import VideoFamily

if TYPE_CHECKING:
    from torch import Tensor

RATE = 25
"""Frames a second, by which it counts time; what its pipeline takes where nothing else is said."""


class LTXVideo(VideoFamily):
    """`LTXVideoTransformer3DModel`: a token is a latent cell; text comes in by cross-attention."""

    autoencoder: ClassVar[str] = "AutoencoderKLLTXVideo"
    attention: ClassVar[str] = "attn1"
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", "prompt_attention_mask", None, None)

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {"prompt_embeds": config["caption_channels"], "prompt_attention_mask": None}

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        for key in ("patch_size", "patch_size_t"):
            if config[key] != 1:
                return f"{key} is {config[key]}; take a model with 1, as all of LTX-Video have"
        return None

    def compression(self, vae: Mapping[str, Any]) -> tuple[int, int]:
        halved = 2 ** sum(vae["spatio_temporal_scaling"])
        space = vae.get("spatial_compression_ratio") or vae["patch_size"] * halved
        return int(space), int(vae.get("temporal_compression_ratio") or vae["patch_size_t"] * halved)

    def normalised(self, vae: Any, latents: Tensor) -> Tensor:
        mean, deviation = (values.to(latents)[:, None, None] for values in (vae.latents_mean, vae.latents_std))
        return (latents - mean) * vae.config.scaling_factor / deviation

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        frames, rows, columns = call.x.shape[2:]
        return {
            "hidden_states": call.x.flatten(2).transpose(1, 2),
            "encoder_hidden_states": call.each("prompt_embeds"),
            "timestep": call.times,
            "encoder_attention_mask": call.each("prompt_attention_mask"),
            "num_frames": frames,
            "height": rows,
            "width": columns,
            "rope_interpolation_scale": (call.group / RATE, call.factor, call.factor),
        }

    def prediction(self, output: Tensor, call: Call) -> Tensor:
        return output.transpose(1, 2).unflatten(2, tuple(call.x.shape[2:]))
