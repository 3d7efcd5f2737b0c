"""Diffusion transformers by their class of diffusers. A new one is a file and a line in a registry."""

from zeroshot_vss.registry import Registry

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
