"""Backbones in the configuration."""

from __future__ import annotations

from zeroshot_vss.backbones.spec import BackboneSpec, KindName, Precision
from zeroshot_vss.config.overrides import MethodOverrides
from zeroshot_vss.settings.base import NonNegative, Settings


class BackboneConfig(Settings):
    """One backbone."""

    title: str
    """As printed in tables."""
    kind: KindName = "image"
    """`image`: like Stable Diffusion. `video`: like Stable Video Diffusion."""
    path: str
    """A folder in diffusers' format, or a repository of the hub."""
    revision: str | None = None
    """Commit of a hub repository; needed to fetch it, so that results can be repeated."""
    download: bool = False
    """Whether files of a hub repository may be fetched. Without, they must be in the local cache."""
    tiny_decoder: str | None = None
    """A folder with an AutoencoderTiny of the same latents (TAESD), or a repository in the local cache."""
    precision: Precision = "auto"
    """What the networks compute in; `auto`: float16 on a GPU (but an AutoencoderKL float32), float32 on a CPU.
    `config/precision.yaml` measures what it changes."""
    compile: bool = False
    """Compile ResNet blocks and feed-forward layers with torch.compile: minutes at the start of a job."""
    single_block: NonNegative = 7
    """The block of methods without feature aggregation, which say `context: {blocks: single}`; 8 in SVD."""
    settings: MethodOverrides = {}
    """Overrides of method settings that this model needs."""
    methods: dict[str, MethodOverrides] = {}
    """The same for single methods, by name."""

    def spec(self, name: str) -> BackboneSpec:
        """What a job needs to load it."""
        return BackboneSpec(name=name, **self.model_dump(exclude={"title", "single_block", "settings", "methods"}))
