"""Where a backbone is and how it is run."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ValidationError, model_validator

from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.io.weights import Weights
from zeroshot_vss.registry import did_you_mean
from zeroshot_vss.settings.base import Settings

INTERPOLATED = "{upsampler: bilinear, modulation: null, filter: null}"
"""Upsampling without masked modulation, as the configuration has it."""
Precision = Literal["auto", "float32", "float16", "bfloat16"]


def _known(kind: str) -> str:
    BACKBONES[kind]
    return kind


KindName = Annotated[str, AfterValidator(_known)]
"""A key of :data:`zeroshot_vss.backbones.BACKBONES`."""


def check_options(kind: str, options: dict[str, Any]) -> None:
    """Refuse options that a kind does not have.

    Raises:
        ValueError: naming the option, the value and what is expected.
    """
    known: type[Settings] = BACKBONES.load(kind).options
    try:
        known.model_validate(options)
    except ValidationError as error:
        faults: list[str] = []
        for fault in error.errors():
            key = ".".join(map(str, fault["loc"]))
            if fault["type"] == "extra_forbidden":
                names = ", ".join(known.model_fields) or "none"
                what = f"unknown key{did_you_mean(key, known.model_fields)}; options of kind '{kind}': {names}"
            else:
                what = f"{fault['msg'].removeprefix('Value error, ')} (got {fault['input']!r:.80})"
            faults.append(f"options.{key}: {what}")
        raise ValueError("; ".join(faults)) from None


class BackboneSpec(Weights):
    """Where a backbone is and how it is run.

    The folder is in diffusers' or transformers' format; its kind says of which parts.
    """

    what: ClassVar[str] = "backbone"
    where: ClassVar[str] = "backbones: {name}"

    kind: KindName = "image"
    """`image`: like Stable Diffusion; `video`: like Stable Video Diffusion; or a further key of `BACKBONES`."""
    options: dict[str, Any] = {}
    """Options of its kind (docs/backbones.md)."""
    tiny_decoder: str | None = None
    """A folder with an AutoencoderTiny of the same latents (TAESD), or a repository in the local cache."""
    precision: Precision = "auto"
    """What the networks compute in; `auto`: float16 on a GPU (bfloat16 for transformers), but an AutoencoderKL (as
    SD 2.1's) float32; float32 on a CPU. Latents, the schedule's steps, guidance, blending and the image encoder are
    float32 in any case, as is the encoder of a VAE whose config.json says `force_upcast`."""

    compile: bool = False
    """Compile parts of the networks with torch.compile: minutes at the start of a job, and other roundings."""

    @property
    def unmodulated(self) -> str | None:
        """Why it has no masked modulation, with what to do; None where it has."""
        reason: str | None = BACKBONES.load(self.kind).unmodulated
        return reason and f"{reason}; set backbones: {self.name}: settings: {{upsampling: {INTERPOLATED}}}"

    @model_validator(mode="after")
    def _known_options(self) -> BackboneSpec:
        check_options(self.kind, self.options)
        return self

    def precision_on(self, device: str) -> str:
        """The precision on a type of device: cpu, cuda, ..."""
        if self.precision != "auto":
            return self.precision
        return BACKBONES.load(self.kind).half if device == "cuda" else "float32"

    def autoencoder_precision_on(self, device: str, kind: str) -> str:
        """That of an autoencoder of a class of diffusers.

        AutoencoderKL runs in single precision unless another is asked for, as in the released code: its weights were
        not made for float16, where activations over 65504 become infinite. So does Wan's, as its pipeline is told.
        """
        single = self.precision == "auto" and kind in ("AutoencoderKL", "AutoencoderKLWan")
        return "float32" if single else self.precision_on(device)

    def rounding(self, device: str) -> dict[str, Any]:
        """What decides on results beside weights and settings, for what identifies them: options, and what decides
        on the last digits on a type of device."""
        mixed = self.precision == "auto" and self.precision_on(device) != "float32"
        return {"precision": "mixed" if mixed else self.precision_on(device)} | (
            ({"compiled": "yes"} if self.compile else {}) | ({"options": self.options} if self.options else {})
        )
