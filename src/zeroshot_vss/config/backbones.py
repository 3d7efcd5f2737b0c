"""Backbones in the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from zeroshot_vss.backbones.spec import BackboneSpec, KindName, Precision, check_options
from zeroshot_vss.config.names import all_known
from zeroshot_vss.config.overrides import MethodOverrides, merge
from zeroshot_vss.settings.adaptation import Adaptation
from zeroshot_vss.settings.base import NonNegative, Settings


class BackboneConfig(Settings):
    """One backbone."""

    title: str
    """As printed in tables."""
    like: str | None = None
    """Another backbone, by name, whose entries this one has where it says nothing of its own."""
    adapt: Adaptation | None = None
    """Train it on with each clip that it is used on, without labels; `{}` for the defaults
    ([docs/real-footage.md](../docs/real-footage.md))."""
    upsampled_by: str | None = None
    """Another backbone, by name, that takes this one's coarse maps to full resolution, with the sampling and the
    upsampling that methods have with it; for backbones without masked modulation of their own."""
    kind: KindName = "image"
    """`image`: like Stable Diffusion. `video`: like Stable Video Diffusion. All others are in
    [docs/backbones.md](../docs/backbones.md)."""
    options: dict[str, Any] = {}
    """Options of its kind ([docs/backbones.md](../docs/backbones.md))."""
    path: str
    """A folder in diffusers' or transformers' format (`~` and `$HOME` are expanded), or a repository of the hub."""
    revision: str | None = None
    """Commit of a hub repository; needed to fetch it, so that results can be repeated."""
    download: bool = False
    """Whether files of a hub repository may be fetched. Without, they must be in the local cache."""
    tiny_decoder: str | None = None
    """A folder with an AutoencoderTiny of the same latents (TAESD), or a repository in the local cache."""
    precision: Precision = "auto"
    """What the networks compute in; `auto`: float16 on a GPU (bfloat16 for transformers; an AutoencoderKL
    float32), float32 on a CPU.
    `config/precision.yaml` measures what it changes."""
    compile: bool = False
    """Compile ResNet blocks and feed-forward layers with torch.compile: minutes at the start of a job."""
    single_block: NonNegative = 7
    """The block of methods without feature aggregation, which say `context: {blocks: single}`; 8 in SVD."""
    settings: MethodOverrides = {}
    """Overrides of method settings that this model needs."""
    methods: dict[str, MethodOverrides] = {}
    """The same for single methods, by name."""

    @model_validator(mode="after")
    def _known_options(self) -> BackboneConfig:
        check_options(self.kind, self.options)
        return self

    def spec(self, name: str) -> BackboneSpec:
        """What a job needs to load it."""
        chosen = {"title", "like", "adapt", "upsampled_by", "single_block", "settings", "methods"}
        return BackboneSpec(name=name, **self.model_dump(exclude=chosen))


def check_upsampled_by(backbones: Mapping[str, BackboneConfig]) -> None:
    """Refuse backbones that name one that is not there, or has its maps upsampled by another one itself.

    Raises:
        ValueError: naming both.
    """
    for name, config in backbones.items():
        if (other := config.upsampled_by) is None:
            continue
        all_known(f"backbones.{name}.upsampled_by", [other], backbones)
        if backbones[other].upsampled_by is not None:
            raise ValueError(
                f"backbones.{name}.upsampled_by: '{other}' has its own maps upsampled by "
                f"'{backbones[other].upsampled_by}'; name that one"
            )


def inherited(backbones: Any) -> Any:
    """Backbones as they are written, with the entries of the one that they are `like`.

    Raises:
        ValueError: there is no such backbone, or it is itself like another one.
    """
    if not isinstance(backbones, dict):
        return backbones
    written = {name: value for name, value in backbones.items() if isinstance(value, dict)}
    merged = dict(backbones)
    for name, own in written.items():
        if (base := own.get("like")) is None:
            continue
        all_known(f"backbones.{name}.like", [base], written)
        if written[base].get("like") is not None:
            other = written[base]["like"]
            raise ValueError(f"backbones.{name}.like: '{base}' is itself like '{other}'; name that one")
        merged[name] = merge(written[base], own)
    return merged
