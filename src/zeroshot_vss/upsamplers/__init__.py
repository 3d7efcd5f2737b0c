"""Upsamplers by name. A new one is a file and a line in UPSAMPLERS."""

from zeroshot_vss.registry import Registry

UPSAMPLERS = Registry(
    "upsampler",
    {
        "modulation": "zeroshot_vss.upsamplers.modulation:MaskedModulation",
        "nearest": "zeroshot_vss.upsamplers.nearest:Nearest",
        "bilinear": "zeroshot_vss.upsamplers.bilinear:Bilinear",
    },
)
"""Classes of :class:`zeroshot_vss.upsamplers.base.Upsampler`."""
