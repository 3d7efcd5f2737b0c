"""Where a backbone is and how it is run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import model_validator

from zeroshot_vss.settings import Settings


class BackboneSpec(Settings):
    """Where a backbone is and how it is run."""

    name: str
    kind: Literal["image", "video"] = "image"
    """A key of :data:`zeroshot_vss.backbones.loading.KINDS`: like Stable Diffusion, or Stable Video Diffusion."""
    path: str
    """A folder in diffusers' format, or a repository of the hub. Both kinds have unet/, vae/ and scheduler/; image
    models text_encoder/ with tokenizer/, or context.safetensors; video models image_encoder/ with
    feature_extractor/, or image_model.json, which points to the image model that they extend."""
    revision: str | None = None
    """Commit of a hub repository; needed there, so that results can be repeated."""
    download: bool = False
    """Whether files of a hub repository may be fetched. Without, they must be in the local cache."""
    half: bool = True
    """Half precision on a GPU. The CPU always computes in single precision."""

    @model_validator(mode="after")
    def _pinned(self) -> BackboneSpec:
        if not Path(self.path).is_dir() and self.download and self.revision is None:
            raise ValueError(f"backbone '{self.name}': download needs a revision (a commit of {self.path})")
        return self
