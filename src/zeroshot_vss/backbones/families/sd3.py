"""Stable Diffusion 3 and 3.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from zeroshot_vss.backbones.families.base import Call, Family


class StableDiffusion3(Family):
    """`SD3Transformer2DModel`."""

    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", None, "pooled_prompt_embeds", None)

    def most(self, config: Mapping[str, Any]) -> int | None:
        return int(config["pos_embed_max_size"])

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {
            "prompt_embeds": config["joint_attention_dim"],
            "pooled_prompt_embeds": config["pooled_projection_dim"],
        }

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        return {
            "hidden_states": call.x,
            "timestep": call.times,
            "encoder_hidden_states": call.each("prompt_embeds"),
            "pooled_projections": call.each("pooled_prompt_embeds"),
        }
