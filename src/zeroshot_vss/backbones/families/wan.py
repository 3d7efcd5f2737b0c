"""Wan 2.1 and 2.2, text to video."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.families.base import Call
from zeroshot_vss.backbones.families.video import VideoFamily

if TYPE_CHECKING:
    from torch import Tensor


class Wan(VideoFamily):
    """`WanTransformer3DModel`: text comes in by cross-attention, so that all tokens are the video's."""

    autoencoder: ClassVar[str] = "AutoencoderKLWan"
    blocks: ClassVar[tuple[str, ...]] = ("blocks",)
    attention: ClassVar[str] = "attn1"
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", None)
    # Zeros stand for the missing words, which attention sees: their number is the one that the pipeline runs with.
    told: ClassVar[Mapping[str, Any]] = {"max_sequence_length": 512}

    def patch(self, config: Mapping[str, Any]) -> int:
        return int(config["patch_size"][1])

    def most(self, config: Mapping[str, Any]) -> int | None:
        return int(config["rope_max_seq_len"])

    def longest(self, config: Mapping[str, Any]) -> int | None:
        return int(config["rope_max_seq_len"])

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {"prompt_embeds": config["text_dim"]}

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        time, *sides = config["patch_size"]
        if time != 1 or len(set(sides)) != 1:
            return f"patch_size is {config['patch_size']}; take a model with [1, n, n], as all of Wan have"
        if config.get("image_dim") is not None:
            return f"image_dim is {config['image_dim']}; take a text-to-video model"
        return None

    def channels(self, vae: Mapping[str, Any]) -> int:
        return int(vae["z_dim"])

    def compression(self, vae: Mapping[str, Any]) -> tuple[int, int]:
        halved = vae["temperal_downsample"]
        return (vae.get("patch_size") or 1) * 2 ** len(halved), 2 ** sum(halved)

    def normalised(self, vae: Any, latents: Tensor) -> Tensor:
        mean, deviation = (
            latents.new_tensor(values)[:, None, None] for values in (vae.config.latents_mean, vae.config.latents_std)
        )
        return (latents - mean) / deviation

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        return {
            "hidden_states": call.x,
            "timestep": call.times,
            "encoder_hidden_states": call.each("prompt_embeds"),
        }
