"""Small random video diffusion transformers on disk, in the formats of the real ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

LATENTS, TOKENS, TEXT, POOLED = 4, 5, 32, 8
WIDTH, HEADS = 32, 2
_HEAD: dict[str, Any] = {"num_attention_heads": HEADS, "attention_head_dim": WIDTH // HEADS}
_DOWN: dict[str, Any] = {
    "down_block_types": ("HunyuanVideoDownBlock3D",) * 4,
    "up_block_types": ("HunyuanVideoUpBlock3D",) * 4,
}
_WAN_5B: dict[str, Any] = {
    "is_residual": True, "patch_size": 2, "in_channels": 12, "out_channels": 12, "scale_factor_spatial": 16,
}  # fmt: skip
"""What the autoencoder of Wan 2.2 TI2V 5B has beside that of Wan 2.1: it sees squares of 2 x 2 pixels as one."""


def _cogvideox(layers: int, rotary: bool) -> dict[str, Any]:
    from diffusers.models.autoencoders.autoencoder_kl_cogvideox import AutoencoderKLCogVideoX
    from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel
    from diffusers.schedulers.scheduling_ddim_cogvideox import CogVideoXDDIMScheduler

    kind: Any = AutoencoderKLCogVideoX
    return {
        "transformer": CogVideoXTransformer3DModel(
            **_HEAD, in_channels=LATENTS, out_channels=LATENTS, time_embed_dim=8, text_embed_dim=TEXT,
            num_layers=layers, sample_width=12, sample_height=8, sample_frames=9, max_text_seq_length=TOKENS,
            use_rotary_positional_embeddings=rotary,
        ),
        "vae": kind(
            block_out_channels=(8, 8, 8, 8), latent_channels=LATENTS, layers_per_block=1, norm_num_groups=4,
            sample_height=64, sample_width=96, scaling_factor=3.0,
        ),
        "scheduler": CogVideoXDDIMScheduler(
            beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False,
            set_alpha_to_one=True, prediction_type="v_prediction", rescale_betas_zero_snr=True,
            snr_shift_scale=3.0, timestep_spacing="trailing",
        ),
    }  # fmt: skip


def _wan(layers: int, **vae: Any) -> dict[str, Any]:
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
    from diffusers.schedulers.scheduling_unipc_multistep import UniPCMultistepScheduler

    return {
        "transformer": WanTransformer3DModel(
            **_HEAD, in_channels=LATENTS, out_channels=LATENTS, text_dim=TEXT, freq_dim=16, ffn_dim=32,
            num_layers=layers, rope_max_seq_len=12,
        ),
        "vae": AutoencoderKLWan(
            base_dim=4, z_dim=LATENTS, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
            temperal_downsample=[False, True, True], latents_mean=[0.1, -0.2, 0.3, 0.0],
            latents_std=[0.5, 1.5, 1.0, 2.0], **vae,
        ),
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
        ),
    }  # fmt: skip


def _ltx(layers: int) -> dict[str, Any]:
    from diffusers.models.autoencoders.autoencoder_kl_ltx import AutoencoderKLLTXVideo
    from diffusers.models.transformers.transformer_ltx import LTXVideoTransformer3DModel
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    kind: Any = AutoencoderKLLTXVideo
    vae = kind(
        latent_channels=LATENTS, block_out_channels=(8, 8, 8, 8), decoder_block_out_channels=(8, 8, 8, 8),
        layers_per_block=(1, 1, 1, 1, 1), decoder_layers_per_block=(1, 1, 1, 1, 1),
    )  # fmt: skip
    vae.latents_mean.copy_(torch.tensor([0.1, -0.2, 0.3, 0.0]))
    vae.latents_std.copy_(torch.tensor([0.5, 1.5, 1.0, 2.0]))
    return {
        "transformer": LTXVideoTransformer3DModel(
            **_HEAD, in_channels=LATENTS, out_channels=LATENTS, cross_attention_dim=WIDTH, num_layers=layers,
            caption_channels=TEXT,
        ),
        "vae": vae,
        "scheduler": FlowMatchEulerDiscreteScheduler(
            use_dynamic_shifting=True, base_shift=0.95, max_shift=2.05, base_image_seq_len=1024,
            max_image_seq_len=4096, shift_terminal=0.1,
        ),
    }  # fmt: skip


def _hunyuan(layers: int) -> dict[str, Any]:
    from diffusers.models.autoencoders.autoencoder_kl_hunyuan_video import AutoencoderKLHunyuanVideo
    from diffusers.models.transformers.transformer_hunyuan_video import HunyuanVideoTransformer3DModel
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    kind: Any = AutoencoderKLHunyuanVideo
    return {
        "transformer": HunyuanVideoTransformer3DModel(
            **_HEAD, in_channels=LATENTS, out_channels=LATENTS, num_layers=layers - 1, num_single_layers=2,
            num_refiner_layers=1, text_embed_dim=TEXT, pooled_projection_dim=POOLED, rope_axes_dim=(4, 6, 6),
        ),
        "vae": kind(
            latent_channels=LATENTS, block_out_channels=(8, 8, 8, 8), layers_per_block=1, norm_num_groups=4,
            mid_block_add_attention=False, scaling_factor=12.0, **_DOWN,
        ),
        "scheduler": FlowMatchEulerDiscreteScheduler(shift=7.0),
    }  # fmt: skip


def _pipeline(family: str, parts: dict[str, Any]) -> Any:
    absent: tuple[str, ...] = ("text_encoder", "tokenizer")
    options = {"expand_timesteps": True} if family == "wan-5b" else {}
    if family.startswith("cogvideox"):
        from diffusers.pipelines.cogvideo.pipeline_cogvideox import CogVideoXPipeline as Pipeline
    elif family.startswith("wan"):
        from diffusers.pipelines.wan.pipeline_wan import WanPipeline as Pipeline
    elif family == "ltx":
        from diffusers.pipelines.ltx.pipeline_ltx import LTXPipeline as Pipeline
    else:
        from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video import HunyuanVideoPipeline as Pipeline

        absent += ("text_encoder_2", "tokenizer_2")
    pipeline: Any = Pipeline
    return pipeline(**parts, **options, **dict.fromkeys(absent))


MAKE = {
    "cogvideox": lambda layers: _cogvideox(layers, False),
    "cogvideox-5b": lambda layers: _cogvideox(layers, True),
    "wan": _wan,
    "wan-5b": lambda layers: _wan(layers, **_WAN_5B),
    "ltx": _ltx,
    "hunyuan": _hunyuan,
}


def prompt_of(family: str) -> dict[str, torch.Tensor]:
    """Embeddings of an empty prompt, drawn at random."""
    prompt = {"prompt_embeds": torch.randn(TOKENS, TEXT)}
    if family in ("ltx", "hunyuan"):
        prompt["prompt_attention_mask"] = torch.tensor([1.0, 1, 1, 0, 0])
    if family == "hunyuan":
        prompt["pooled_prompt_embeds"] = torch.randn(POOLED)
    return prompt


def save_video_transformer(folder: Path, family: str, layers: int = 3, seed: int = 0) -> Path:
    """Save a random pipeline of a video diffusion transformer with the embeddings of a prompt; returns the folder."""
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    parts = MAKE[family](layers)
    network: nn.Module = parts["transformer"]
    for name, parameter in network.named_parameters():
        # Zero, as some start, they would hand nothing on.
        if "norm" not in name or name.endswith("linear.weight"):
            parameter.data.normal_(std=0.15)
    _pipeline(family, parts).save_pretrained(folder)
    save_file(prompt_of(family), folder / "prompt.safetensors")
    return folder
