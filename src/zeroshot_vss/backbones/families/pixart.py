"""PixArt-alpha and PixArt-Sigma."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.families.base import Call, Family

if TYPE_CHECKING:
    from torch import Tensor


class PixArt(Family):
    """`PixArtTransformer2DModel`: text comes in by cross-attention, so that all tokens are the image's."""

    attention: ClassVar[str] = "attn1"
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", "prompt_attention_mask", None, None)

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {"prompt_embeds": config["caption_channels"], "prompt_attention_mask": None}

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        height, width = (side * call.factor for side in call.x.shape[2:])
        told = None, None
        if network.use_additional_conditions:
            size = call.x.new_tensor([[height, width]]), call.x.new_tensor([[height / width]])
            told = tuple(value.repeat(len(call.x), 1) for value in size)
        return {
            "hidden_states": call.x,
            "timestep": call.times.long(),
            "encoder_hidden_states": call.each("prompt_embeds"),
            "encoder_attention_mask": call.each("prompt_attention_mask"),
            "added_cond_kwargs": dict(zip(("resolution", "aspect_ratio"), told, strict=True)),
        }

    def prediction(self, output: Tensor, call: Call) -> Tensor:
        """Without the variances that stand behind the noise."""
        return output[:, : call.x.shape[1]]
