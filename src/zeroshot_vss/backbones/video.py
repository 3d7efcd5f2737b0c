"""The kind `video`: models like Stable Video Diffusion. Imports no torch before one is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.image import SCHEDULER, context_parts, network_parts
from zeroshot_vss.backbones.kind import BackboneKind, ModelFiles
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Part

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from zeroshot_vss.backbones.video_diffusion import VideoDiffusion

POINTER = "image_model.json"
"""Names the folder of the image model that a video model extends."""


def image_model(folder: Path) -> Path | None:
    """Folder of the image model that a video model's folder extends; None for folders that stand alone.

    Raises:
        InputError: the pointer to it is damaged.
    """
    pointer = folder / POINTER
    if not pointer.exists():
        return None
    path = read_json("a video model", pointer).get("path")
    if not isinstance(path, str) or "\0" in path:
        raise InputError(f'{pointer} must be {{"path": "folder of the image model"}}, got {path!r:.80}')
    return folder / path


class VideoKind(BackboneKind):
    """A `UNetSpatioTemporalConditionModel` with an autoencoder and the embedding of a batch's first frame.

    Either whole, with a CLIP image encoder, or the temporal weights alone, which extend an image model; its context
    stands in for the embedding.
    """

    title: ClassVar[str] = "a video model"
    examples: ClassVar[str] = "SVD, temporal weights over an image model"
    run_with: ClassVar[str] = "the embedded models; random weights in SVD's format"
    coupled: ClassVar[bool] = True

    def parts(self, folder: Path) -> dict[str, Part]:
        image = image_model(folder)
        if image is None:
            instead = f"image_encoder/ with feature_extractor/, or {POINTER}"
            extractor = ("preprocessor_config.json",)
            return network_parts(folder) | {
                "image_encoder": Part(folder / "image_encoder", resident_single=True, instead=instead),
                "feature_extractor": Part(
                    folder / "feature_extractor", needs=extractor, weights=False, instead=instead
                ),
            }
        image_parts = network_parts(image)
        return {
            "image_model": Part(folder / POINTER, single=True, weights=False),
            "unet": Part(folder / "unet", needs=("config.json", "temporal.safetensors"), resident=True),
            "scheduler": Part(folder / "scheduler", needs=SCHEDULER, weights=False),
            "image_unet": image_parts["unet"],
            "vae": image_parts["vae"],
            **context_parts(image),
        }

    def load(self, model: ModelFiles, device: torch.device) -> VideoDiffusion:
        from zeroshot_vss.backbones import loading
        from zeroshot_vss.backbones.video_diffusion import VideoDiffusion

        vae = loading.load_autoencoder(model, device)
        if "image_unet" in model.parts:
            unet = _extended_unet(model).to(loading.precision(model, device))
            context, _ = loading.contexts(model)
            embed, width = (lambda _: context), context.shape[-1]
        else:
            from diffusers import UNetSpatioTemporalConditionModel

            unet = loading.load_part(
                model, "unet", UNetSpatioTemporalConditionModel, loading.precision(model, device)
            )
            embed, width = _image_embedding(model, device)
        loading.check_fit(model, vae, unet.config.out_channels, width, unet.config.cross_attention_dim)
        return VideoDiffusion(
            model.spec.name, loading.on_device(unet, device), vae.to(device), loading.scheduler(model), embed
        )


def _extended_unet(model: ModelFiles) -> Any:
    """The UNet of a folder that holds temporal weights only, with the image model's, in single precision."""
    import torch
    from diffusers import UNet2DConditionModel

    from zeroshot_vss.backbones import loading
    from zeroshot_vss.backbones.inflation import inflate

    unet = inflate(loading.load_part(model, "image_unet", UNet2DConditionModel, torch.float32))
    folder = model.parts["unet"].path
    temporal = loading.read_tensors(model, folder / "temporal.safetensors")
    fits = {name: weight.shape for name, weight in unet.state_dict().items()}
    wrong = [name for name, weight in temporal.items() if fits.get(name) != weight.shape]
    wrong += sorted(name for name in fits if "temporal" in name and name not in temporal)
    loading.check_names(model, folder, wrong)
    unet.load_state_dict({name: weight.float() for name, weight in temporal.items()}, strict=False)
    return unet


def _image_embedding(model: ModelFiles, device: torch.device) -> tuple[Callable[[Tensor], Tensor], int]:
    """CLIP's embedding of an image [1, 3, H, W] in [-1, 1] as one token, as SVD's pipeline computes it; its width."""
    import torch
    from diffusers.pipelines.stable_video_diffusion import pipeline_stable_video_diffusion as svd
    from transformers import CLIPVisionModelWithProjection

    from zeroshot_vss.backbones import loading

    encoder = loading.load_encoder(model, "image_encoder", CLIPVisionModelWithProjection)
    encoder = encoder.eval().requires_grad_(False).to(device)
    normalise = read_json(model.whose, model.parts["feature_extractor"].path / "preprocessor_config.json")
    try:
        mean, std = (torch.tensor(normalise[key]).view(3, 1, 1) for key in ("image_mean", "image_std"))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{model.whose}: feature_extractor/preprocessor_config.json must have image_mean and image_std, three "
            f"numbers each ({error!r}); get it again"
        ) from error
    side = encoder.config.image_size

    def embed(image: Tensor) -> Tensor:
        small = svd._resize_with_antialiasing(image, (side, side))
        pixels = ((small + 1) / 2 - mean) / std
        return encoder(pixels.to(device)).image_embeds

    return embed, encoder.config.projection_dim
