"""The kind `image`: models like Stable Diffusion. Imports no torch before one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from zeroshot_vss.backbones.kind import SINGLE_FILES, BackboneKind, ModelFiles
from zeroshot_vss.io.weights import Part

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.image_diffusion import ImageDiffusion

SCHEDULER = ("scheduler_config.json",)
NETWORKS = ("unet/*.safetensors", "vae/*.safetensors")
"""Patterns of the weights that every latent diffusion model has."""


def network_parts(folder: Path) -> dict[str, Part]:
    """The parts that every latent diffusion model has."""
    return {
        "unet": Part(folder / "unet", resident=True),
        "vae": Part(folder / "vae", resident=True),
        "scheduler": Part(folder / "scheduler", needs=SCHEDULER, weights=False),
    }


def context_parts(folder: Path) -> dict[str, Part]:
    """A learned context, or a text encoder with its tokenizer, which gives that of the empty prompt."""
    learned = folder / "context.safetensors"
    if learned.exists():
        return {"context": Part(learned, single=True)}
    instead = "text_encoder/ with tokenizer/, or context.safetensors"
    encoder = Part(folder / "text_encoder", instead=instead)
    tokenizer = Part(folder / "tokenizer", needs=(), weights=False, instead=instead)
    if not (encoder.path / "config.json").exists() or not tokenizer.path.exists():
        return {"context": Part(learned, single=True, instead=instead)}
    return {"text_encoder": encoder, "tokenizer": tokenizer}


class ImageKind(BackboneKind):
    """A `UNet2DConditionModel` with an autoencoder and a context."""

    title: ClassVar[str] = "an image model"
    examples: ClassVar[str] = "SD 1.5, SD 2.1 (noise or velocity), models of your own"
    run_with: ClassVar[str] = "the embedded models; random weights in SD's format"
    fetched: ClassVar[tuple[str, ...]] = (*NETWORKS, "text_encoder/*.safetensors", *SINGLE_FILES)

    def parts(self, folder: Path) -> dict[str, Part]:
        return network_parts(folder) | context_parts(folder)

    def load(self, model: ModelFiles, device: torch.device) -> ImageDiffusion:
        from diffusers import UNet2DConditionModel

        from zeroshot_vss.backbones import loading
        from zeroshot_vss.backbones.image_diffusion import ImageDiffusion

        unet = loading.load_part(model, "unet", UNet2DConditionModel, loading.precision(model, device))
        vae = loading.load_autoencoder(model, device)
        context, unconditional = loading.contexts(model)
        loading.check_fit(model, vae, unet.config.in_channels, context.shape[-1], unet.config.cross_attention_dim)
        return ImageDiffusion(
            model.spec.name,
            loading.on_device(unet, device),
            vae.to(device),
            loading.scheduler(model),
            context,
            unconditional,
        )
