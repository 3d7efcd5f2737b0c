"""Diffusion transformers by their class of diffusers. A new one is a file and a line in a registry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zeroshot_vss.registry import Registry

LEGACY = "Transformer2DModel"
"""A class of diffusers that once stood for several, told apart by `norm_type`."""
LEGACY_NORM = "ada_norm_single"
"""The `norm_type` of those that are PixArt's, as all released folders of PixArt say."""

FAMILIES = Registry(
    "class of diffusion transformers",
    {
        "FluxTransformer2DModel": "zeroshot_vss.backbones.families.flux:Flux",
        "PixArtTransformer2DModel": "zeroshot_vss.backbones.families.pixart:PixArt",
        "SD3Transformer2DModel": "zeroshot_vss.backbones.families.sd3:StableDiffusion3",
    },
)
"""Classes of :class:`zeroshot_vss.backbones.families.base.Family`."""

VIDEO_FAMILIES = Registry(
    "class of video diffusion transformers",
    {
        "CogVideoXTransformer3DModel": "zeroshot_vss.backbones.families.cogvideox:CogVideoX",
        "HunyuanVideoTransformer3DModel": "zeroshot_vss.backbones.families.hunyuan:HunyuanVideo",
        "LTXVideoTransformer3DModel": "zeroshot_vss.backbones.families.ltx:LTXVideo",
        "WanTransformer3DModel": "zeroshot_vss.backbones.families.wan:Wan",
    },
)
"""Classes of :class:`zeroshot_vss.backbones.families.video.VideoFamily`."""


def network_class(config: Mapping[str, Any]) -> str:
    """The class of diffusers that a transformer's config is loaded as; its legacy name gives way as in diffusers."""
    name = str(config.get("_class_name"))
    return "PixArtTransformer2DModel" if name == LEGACY and config.get("norm_type") == LEGACY_NORM else name
