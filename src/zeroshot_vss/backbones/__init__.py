"""Backbones: frozen models behind one interface, see :mod:`zeroshot_vss.backbones.base`."""

from __future__ import annotations

from zeroshot_vss.registry import Registry

BACKBONES = Registry(
    "kind of backbone",
    {
        "image": "zeroshot_vss.backbones.image:ImageKind",
        "sdxl": "zeroshot_vss.backbones.sdxl:XLKind",
        "clean": "zeroshot_vss.backbones.clean:CleanKind",
        "video": "zeroshot_vss.backbones.video:VideoKind",
        "transformer": "zeroshot_vss.backbones.transformer:TransformerKind",
        "video-transformer": "zeroshot_vss.backbones.video_transformer:VideoTransformerKind",
        "vit": "zeroshot_vss.backbones.vit:VisionKind",
    },
)
"""Kinds of models by name: subclasses of :class:`zeroshot_vss.backbones.kind.BackboneKind`."""
