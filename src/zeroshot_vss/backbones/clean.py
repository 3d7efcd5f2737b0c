"""The kind `clean`: UNets trained on for clean latents (CleanDIFT). Imports no torch before one is loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import Field

from zeroshot_vss.backbones.image import ImageKind
from zeroshot_vss.backbones.kind import ModelFiles
from zeroshot_vss.settings.base import Settings

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.clean_diffusion import CleanDiffusion


class CleanOptions(Settings):
    """How a UNet for clean latents is called."""

    timestep: Annotated[int, Field(ge=0, lt=1000)] = 0
    """The time that it is told."""


class CleanKind(ImageKind):
    """The parts of an image model, whose UNet has weights for latents without noise."""

    title: ClassVar[str] = "an image model for clean latents"
    examples: ClassVar[str] = "SD 1.5 and 2.1 with CleanDIFT's UNet"
    run_with: ClassVar[str] = "random weights of the format only"
    options: ClassVar[type[Settings]] = CleanOptions
    unmodulated: ClassVar[str | None] = "it does not denoise, so it has no masked modulation and no tiny decoder"

    def load(self, model: ModelFiles, device: torch.device) -> CleanDiffusion:
        from zeroshot_vss.backbones.clean_diffusion import CleanDiffusion

        loaded = super().load(model, device)
        return CleanDiffusion(loaded, model.options(CleanOptions).timestep, model.spec.unmodulated or "")
