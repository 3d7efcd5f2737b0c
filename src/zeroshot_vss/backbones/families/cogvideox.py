"""CogVideoX 2B and 5B."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.families.base import Call
from zeroshot_vss.backbones.families.video import VideoFamily

if TYPE_CHECKING:
    from torch import Tensor


class CogVideoX(VideoFamily):
    """`CogVideoXTransformer3DModel`: one sequence of text and video for the attention, two streams between blocks."""

    autoencoder: ClassVar[str] = "AutoencoderKLCogVideoX"
    attention: ClassVar[str] = "attn1"
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds", None)
    text_given_first: ClassVar[bool] = False

    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        return {"prompt_embeds": config["text_embed_dim"]}

    def words(self, config: Mapping[str, Any]) -> int | None:
        # Positions are added to one sequence of this many tokens of text and those of the video.
        return None if config["use_rotary_positional_embeddings"] else int(config["max_text_seq_length"])

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        if config.get("patch_size_t") is not None:
            return f"patch_size_t is {config['patch_size_t']}; take CogVideoX 2B or 5B, not 1.5"
        if config.get("use_learned_positional_embeddings"):
            return "use_learned_positional_embeddings is true; take a text-to-video model"
        return None

    def compression(self, vae: Mapping[str, Any]) -> tuple[int, int]:
        return 2 ** (len(vae["block_out_channels"]) - 1), int(vae["temporal_compression_ratio"])

    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        return {
            "hidden_states": call.x.transpose(1, 2),
            "encoder_hidden_states": call.each("prompt_embeds"),
            "timestep": call.times.long(),
            "image_rotary_emb": _turns(network.config, call.x),
        }

    def prediction(self, output: Tensor, call: Call) -> Tensor:
        return output.transpose(1, 2)


def _turns(config: Any, x: Tensor) -> Any:
    """Rotary embeddings of the tokens of x [1, c, frames, h, w] as its pipeline makes them; None for 2B."""
    if not config.use_rotary_positional_embeddings:
        return None
    from diffusers.models.embeddings import get_3d_rotary_pos_embed
    from diffusers.pipelines.cogvideo.pipeline_cogvideox import get_resize_crop_region_for_grid

    side = config.patch_size
    grid = x.shape[3] // side, x.shape[4] // side
    region = get_resize_crop_region_for_grid(grid, config.sample_width // side, config.sample_height // side)
    return get_3d_rotary_pos_embed(config.attention_head_dim, region, grid, x.shape[2], device=x.device)
