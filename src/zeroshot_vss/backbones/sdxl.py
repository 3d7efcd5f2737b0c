"""The kind `sdxl`: models like Stable Diffusion XL. Imports no torch before one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.image import NETWORKS, network_parts
from zeroshot_vss.backbones.kind import SINGLE_FILES, BackboneKind, ModelFiles
from zeroshot_vss.backbones.prompt import ENCODER_WEIGHTS, XL_RETURNED, prompt_of, prompt_parts
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Part

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.xl_diffusion import XLDiffusion


class XLKind(BackboneKind):
    """A `UNet2DConditionModel` that is also told a pooled embedding of the prompt and sizes, with an autoencoder."""

    title: ClassVar[str] = "a model like Stable Diffusion XL"
    examples: ClassVar[str] = "SDXL"
    fetched: ClassVar[tuple[str, ...]] = (*NETWORKS, *ENCODER_WEIGHTS, *SINGLE_FILES)

    def parts(self, folder: Path) -> dict[str, Part]:
        return network_parts(folder) | prompt_parts(folder)

    def check(self, model: ModelFiles) -> None:
        super().check(model)
        told = read_json(model.whose, model.parts["unet"].path / "config.json").get("addition_embed_type")
        if told != "text_time":
            raise InputError(
                f"{model.whose}: unet/config.json: addition_embed_type is {told!r}; expected 'text_time', as SDXL's: "
                "other UNets are of kind 'image'"
            )

    def load(self, model: ModelFiles, device: torch.device) -> XLDiffusion:
        from diffusers import UNet2DConditionModel

        from zeroshot_vss.backbones import loading
        from zeroshot_vss.backbones.xl_diffusion import XLDiffusion

        unet = loading.load_part(model, "unet", UNet2DConditionModel, loading.precision(model, device))
        vae = loading.load_autoencoder(model, device)
        width = unet.config.cross_attention_dim
        loading.check_fit(model, vae, unet.config.in_channels, width, width)
        pooled = unet.config.projection_class_embeddings_input_dim - 6 * unet.config.addition_time_embed_dim
        prompt = prompt_of(model, XL_RETURNED, {"prompt_embeds": width, "pooled_prompt_embeds": pooled})
        return XLDiffusion(
            model.spec.name, loading.on_device(unet, device), vae.to(device), loading.scheduler(model),
            prompt["prompt_embeds"], prompt["pooled_prompt_embeds"],
        )  # fmt: skip
