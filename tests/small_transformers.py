"""Small random vision transformers and diffusion transformers on disk, in the formats of the real ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

PREPROCESSOR = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
WIDTH, HEADS, DEPTH = 16, 2, 3
_TEXT = {"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
         "max_position_embeddings": 8}  # fmt: skip
_SIZES: dict[str, Any] = {"hidden_size": WIDTH, "num_hidden_layers": DEPTH, "num_attention_heads": HEADS}


def _vision(kind: str, depth: int, patch: int) -> Any:
    """A random model of a `model_type`; depth and patch are of plain ones."""
    plain = {**_SIZES, "num_hidden_layers": depth, "intermediate_size": 24, "image_size": 32, "patch_size": patch}
    if kind == "dinov2":
        from transformers import Dinov2Config, Dinov2Model

        return Dinov2Model(Dinov2Config(**_SIZES, image_size=32, patch_size=patch))
    if kind == "dinov2_with_registers":
        from transformers import Dinov2WithRegistersConfig, Dinov2WithRegistersModel

        return Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(**_SIZES, image_size=32, patch_size=patch, num_register_tokens=4)
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

        return CLIPModel(CLIPConfig(text_config=_TEXT, vision_config=plain, projection_dim=8))
    if kind == "siglip_vision_model":
        from transformers import SiglipVisionConfig, SiglipVisionModel

        return SiglipVisionModel(SiglipVisionConfig(**plain))
    if kind == "siglip":
        from transformers import SiglipConfig, SiglipModel

        return SiglipModel(SiglipConfig(text_config=_TEXT, vision_config=plain))
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
    parts: dict[str, Any] = {
        "vision_config": vision, "prompt_encoder_config": prompt, "mask_decoder_config": decoder,
    }  # fmt: skip
    if kind == "sam2":
        return Sam2Model(Sam2Config(**parts))
    from transformers import Sam2VideoConfig, Sam2VideoModel

    return Sam2VideoModel(
        Sam2VideoConfig(
            **parts, image_size=64, memory_attention_hidden_size=8, memory_attention_num_layers=1,
            memory_attention_feed_forward_hidden_size=8, memory_attention_rope_feat_sizes=[4, 4],
            memory_encoder_hidden_size=8, memory_encoder_output_channels=4, mask_downsampler_embed_dim=8,
            memory_fuser_num_layers=1, memory_fuser_embed_dim=8, memory_fuser_intermediate_dim=8,
        )
    )  # fmt: skip


def save_vision(folder: Path, kind: str, seed: int = 0, depth: int = DEPTH, patch: int = 8) -> Path:
    """Save a random vision transformer of a `model_type` with its preprocessor's config; returns the folder."""
    torch.manual_seed(seed)
    model = _vision(kind, depth, patch)
    for parameter in model.parameters():
        # As drawn, weights of 0.02 leave nearly nothing of the frame in the deeper blocks.
        parameter.data.normal_(std=0.2)
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    return folder


LATENTS, TOKENS, TEXT, POOLED = 4, 5, 32, 8
FLOW = {"num_train_timesteps": 1000, "shift": 1.0}


def small_vae(**more: Any) -> Any:
    """A random `AutoencoderKL` of 8 pixels a latent cell."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    kind: Any = AutoencoderKL
    return kind(
        down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 16, 16), layers_per_block=1, latent_channels=LATENTS, norm_num_groups=4,
        sample_size=64, **more,
    )  # fmt: skip


def _flux(parts: dict[str, Any], depth: int) -> Any:
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
    from diffusers.pipelines.flux.pipeline_flux import FluxPipeline

    network = FluxTransformer2DModel(
        in_channels=4 * LATENTS, num_layers=2, num_single_layers=depth - 2, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=TEXT,
        pooled_projection_dim=POOLED, guidance_embeds=True, axes_dims_rope=(4, 4, 8),
    )  # fmt: skip
    none = dict.fromkeys(("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"))
    pipeline: Any = FluxPipeline
    return pipeline(transformer=network, **parts, **none)


def _sd3(parts: dict[str, Any], depth: int) -> Any:
    from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel
    from diffusers.pipelines.stable_diffusion_3.pipeline_stable_diffusion_3 import StableDiffusion3Pipeline

    network = SD3Transformer2DModel(
        sample_size=8, in_channels=LATENTS, out_channels=LATENTS, num_layers=depth, attention_head_dim=8,
        num_attention_heads=4, joint_attention_dim=TEXT, caption_projection_dim=32, pooled_projection_dim=POOLED,
        pos_embed_max_size=12, dual_attention_layers=(0,), qk_norm="rms_norm",
    )  # fmt: skip
    names = ("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "text_encoder_3", "tokenizer_3")
    pipeline: Any = StableDiffusion3Pipeline
    return pipeline(transformer=network, **parts, **dict.fromkeys(names))


def _pixart(parts: dict[str, Any], depth: int) -> Any:
    from diffusers.models.transformers.pixart_transformer_2d import PixArtTransformer2DModel
    from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import PixArtSigmaPipeline

    network = PixArtTransformer2DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=LATENTS, out_channels=2 * LATENTS, num_layers=depth,
        cross_attention_dim=32, sample_size=16, caption_channels=TEXT, use_additional_conditions=False,
    )  # fmt: skip
    none = dict.fromkeys(("text_encoder", "tokenizer"))
    pipeline: Any = PixArtSigmaPipeline
    return pipeline(transformer=network, **parts, **none)


WORDS = ("a cat sat on the mat", "the dog ran to the cat", "a dog and a cat met on the mat")


def save_spiece(folder: Path) -> Any:
    """Save a tokenizer as T5's are released, spiece.model alone with its config; returns sentencepiece's own."""
    import io

    from sentencepiece import SentencePieceProcessor, SentencePieceTrainer

    made = io.BytesIO()
    SentencePieceTrainer.train(  # pyright: ignore[reportAttributeAccessIssue]
        sentence_iterator=iter(WORDS), model_writer=made, vocab_size=40, hard_vocab_limit=False, num_threads=1,
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, minloglevel=2,
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "spiece.model").write_bytes(made.getvalue())
    special = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
    config = {"tokenizer_class": "T5Tokenizer", "extra_ids": 0, "model_max_length": 512, **special}
    (folder / "tokenizer_config.json").write_text(json.dumps(config))
    return SentencePieceProcessor(model_proto=made.getvalue())


MAKE = {"flux": _flux, "sd3": _sd3, "pixart": _pixart}


def save_transformer(folder: Path, family: str, seed: int = 0, depth: int | None = None) -> Path:
    """Save a random pipeline of a diffusion transformer with the embeddings of a prompt; returns the folder.

    `depth` is the number of its blocks, by default 4 of FLUX and 3 of the others.
    """
    from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
    from safetensors.torch import save_file

    torch.manual_seed(seed)
    flow = family != "pixart"
    parts: dict[str, Any] = {
        "scheduler": FlowMatchEulerDiscreteScheduler(**FLOW) if flow else DPMSolverMultistepScheduler(),
        "vae": small_vae(scaling_factor=0.5, shift_factor=0.1) if flow else small_vae(scaling_factor=0.13),
    }
    pipeline = MAKE[family](parts, depth or (4 if family == "flux" else 3))
    for name, parameter in pipeline.transformer.named_parameters():
        # Zero, as some start, they would hand nothing on.
        if "norm" not in name or name.endswith("linear.weight"):
            parameter.data.normal_(std=0.15)
    pipeline.save_pretrained(folder)
    prompt = {"prompt_embeds": torch.randn(TOKENS, TEXT)}
    if flow:
        prompt["pooled_prompt_embeds"] = torch.randn(POOLED)
    else:
        prompt["prompt_attention_mask"] = torch.tensor([1.0, 1, 1, 0, 0])
    save_file(prompt, folder / "prompt.safetensors")
    return folder
