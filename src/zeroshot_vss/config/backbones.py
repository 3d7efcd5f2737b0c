"""Backbones in the configuration."""

from __future__ import annotations

from zeroshot_vss.backbones.spec import BackboneSpec, KindName, Precision
from zeroshot_vss.config.overrides import Overrides
from zeroshot_vss.settings.base import Settings


class BackboneConfig(Settings):
    """One backbone."""

    title: str
    kind: KindName = "image"
    path: str
    revision: str | None = None
    download: bool = False
    tiny_decoder: str | None = None
    precision: Precision = "auto"
    compile: bool = False
    settings: Overrides = {}
    """Overrides of method settings that this model needs."""
    methods: dict[str, Overrides] = {}
    """The same for single methods, by name."""

    def spec(self, name: str) -> BackboneSpec:
        """What a job needs to load it."""
        return BackboneSpec(name=name, **self.model_dump(exclude={"title", "settings", "methods"}))
