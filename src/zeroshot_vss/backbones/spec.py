"""Where a backbone is and how it is run."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.io.weights import Weights

Precision = Literal["auto", "float32", "float16", "bfloat16"]


def _known(kind: str) -> str:
    BACKBONES[kind]
    return kind


KindName = Annotated[str, AfterValidator(_known)]
"""A key of :data:`zeroshot_vss.backbones.BACKBONES`."""


class BackboneSpec(Weights):
    """Where a backbone is and how it is run.

    The folder is in diffusers' format; its kind says of which parts.
    """

    what: ClassVar[str] = "backbone"
    where: ClassVar[str] = "backbones: {name}"

    kind: KindName = "image"
    """`image`: like Stable Diffusion; `video`: like Stable Video Diffusion; or a further key of `BACKBONES`."""
    tiny_decoder: str | None = None
    """A folder with an AutoencoderTiny of the same latents (TAESD), or a repository in the local cache."""
    precision: Precision = "auto"
    """What the networks compute in; `auto`: float16 on a GPU, but an AutoencoderKL (as SD 2.1's) float32; float32 on
    a CPU. Latents, the schedule's steps, guidance, blending and the image encoder are float32 in any case, as is the
    encoder of a VAE whose config.json says `force_upcast`."""

    compile: bool = False
    """Compile parts of the networks with torch.compile: minutes at the start of a job, and other roundings."""

    def precision_on(self, device: str) -> str:
        """The precision on a type of device: cpu, cuda, ..."""
        if self.precision != "auto":
            return self.precision
        return "float16" if device == "cuda" else "float32"

    def autoencoder_precision_on(self, device: str, kind: str) -> str:
        """That of an autoencoder of a class of diffusers.

        AutoencoderKL runs in single precision unless another is asked for, as in the released code: its weights were
        not made for float16, where activations over 65504 become infinite.
        """
        return "float32" if self.precision == "auto" and kind == "AutoencoderKL" else self.precision_on(device)

    def rounding(self, device: str) -> dict[str, str]:
        """What decides on the last digits of results on a type of device, for what identifies them."""
        mixed = self.precision == "auto" and self.precision_on(device) != "float32"
        return {"precision": "mixed" if mixed else self.precision_on(device)} | (
            {"compiled": "yes"} if self.compile else {}
        )
