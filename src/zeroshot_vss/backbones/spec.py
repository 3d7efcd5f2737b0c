"""Where a backbone is and how it is run."""

from __future__ import annotations

from typing import ClassVar, Literal

from zeroshot_vss.io.weights import Weights

Precision = Literal["auto", "float32", "float16", "bfloat16"]


class BackboneSpec(Weights):
    """Where a backbone is and how it is run.

    The folder is in diffusers' format. Both kinds have unet/, vae/ and scheduler/; image models text_encoder/ with
    tokenizer/, or context.safetensors; video models image_encoder/ with feature_extractor/, or image_model.json,
    which points to the image model that they extend.
    """

    what: ClassVar[str] = "backbone"
    where: ClassVar[str] = "backbones: {name}"

    kind: Literal["image", "video"] = "image"
    """A key of :data:`zeroshot_vss.backbones.loading.KINDS`: like Stable Diffusion, or Stable Video Diffusion."""
    tiny_decoder: str | None = None
    """A folder with an AutoencoderTiny of the same latents (TAESD), or a repository in the local cache."""
    precision: Precision = "auto"
    """What the networks compute in; `auto`: float16 on a GPU, float32 on a CPU. Latents, the schedule's steps,
    guidance, blending and the image encoder are float32 in any case, as is the encoder of a VAE whose config.json
    says `force_upcast`."""

    compile: bool = False
    """Compile parts of the networks with torch.compile: minutes at the start of a job, and other roundings."""

    def precision_on(self, device: str) -> str:
        """The precision on a type of device: cpu, cuda, ..."""
        if self.precision != "auto":
            return self.precision
        return "float16" if device == "cuda" else "float32"

    def rounding(self, device: str) -> dict[str, str]:
        """What decides on the last digits of results on a type of device, for what identifies them."""
        return {"precision": self.precision_on(device)} | ({"compiled": "yes"} if self.compile else {})
