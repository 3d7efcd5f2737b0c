"""FLUX.1: packed latents, image tokens behind those of the text in the single blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.families.base import Call, Family

if TYPE_CHECKING:
    from torch import Tensor


class Flux(Family):
    """`FluxTransformer2DModel`. The single blocks are counted on behind the double ones (0 to 18)."""

    blocks: ClassVar[tuple[str, ...]] = ("transformer_blocks", "single_transformer_blocks")
    lengths: ClassVar[tuple[str, ...]] = ("num_layers", "num_single_layers")
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", "pooled_prompt_embeds", None)

    def patch(self, config: Mapping[str, Any]) -> int:
        return 2

    def latents(self, config: Mapping[str, Any]) -> int:
        return int(config["in_channels"]) // 4

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {
            "prompt_embeds": config["joint_attention_dim"],
            "pooled_prompt_embeds": config["pooled_projection_dim"],
        }

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        x = call.x
        rows, columns = x.shape[2] // 2, x.shape[3] // 2
        packed = x.unflatten(2, (rows, 2)).unflatten(4, (columns, 2)).permute(0, 2, 4, 1, 3, 5)
        places = x.new_zeros(rows, columns, 3)
        places[..., 1] += x.new_ones(rows).cumsum(0)[:, None] - 1
        places[..., 2] += x.new_ones(columns).cumsum(0) - 1
        return {
            "hidden_states": packed.flatten(3).flatten(1, 2),
            "timestep": (call.times / 1000).to(x.dtype),
            "guidance": call.times.new_full((len(x),), call.guidance) if network.config.guidance_embeds else None,
            "encoder_hidden_states": call.each("prompt_embeds"),
            "pooled_projections": call.each("pooled_prompt_embeds"),
            "img_ids": places.flatten(0, 1),
            "txt_ids": x.new_zeros(len(call.prompt["prompt_embeds"]), 3),
        }

    def prediction(self, output: Tensor, call: Call) -> Tensor:
        rows, columns = call.x.shape[2] // 2, call.x.shape[3] // 2
        cells = output.unflatten(1, (rows, columns)).unflatten(3, (-1, 2, 2))
        return cells.permute(0, 3, 1, 4, 2, 5).flatten(4, 5).flatten(2, 3)
