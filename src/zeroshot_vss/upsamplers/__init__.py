"""Upsamplers by name. A new one is a file and a line in UPSAMPLERS."""

from zeroshot_vss.registry import Registry

UPSAMPLERS = Registry(
    "upsampler",
    {
        "modulation": "zeroshot_vss.upsamplers.modulation:MaskedModulation",
        "nearest": "zeroshot_vss.upsamplers.nearest:Nearest",
        "bilinear": "zeroshot_vss.upsamplers.bilinear:Bilinear",
        "joint-bilateral": "zeroshot_vss.upsamplers.joint_bilateral:JointBilateralUpsampling",
        "learned": "zeroshot_vss.upsamplers.learned:Learned",
        "guided-filter": "zeroshot_vss.upsamplers.guided_filter:GuidedUpsampling",
    },
)
"""Classes of :class:`zeroshot_vss.upsamplers.base.Upsampler`."""
