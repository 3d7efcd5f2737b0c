"""Vision transformers of transformers: where their blocks are, and which tokens are no patches. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from math import prod
from typing import Any

from zeroshot_vss.backbones.token_grids import TokenGrids
from zeroshot_vss.errors import InputError


@dataclass(frozen=True)
class VisionClass:
    """How the models of one `model_type` are loaded and read."""

    model: str
    """Class of transformers."""
    blocks: str
    """Path of the list of blocks."""
    attention: str | None
    """In a block, the module with `q_proj`, `k_proj` and `v_proj`; None where there is none such."""
    norm: str | None
    """The last norm, which stands behind the blocks; None for none."""
    extra: tuple[str, ...] = ()
    """Entries of the config that count tokens before the patches."""
    prefix: int = 1
    """Tokens before the patches beside those: the class token."""
    inside: str | None = None
    """Path of the image encoder in models that have more."""
    vision: tuple[str, ...] = ()
    """Where the config of the image encoder is in that of the model."""
    call: Mapping[str, Any] = field(default_factory=dict)
    """What the forward pass is told beside the pixels."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Of the image encoder's config in transformers: what it is where config.json does not say."""


def _base(patch: int, width: int = 768, **more: Any) -> dict[str, Any]:
    """Defaults of a plain vision transformer."""
    return {"patch_size": patch, "hidden_size": width, "num_hidden_layers": 12, **more}


_HIERA = {
    "patch_stride": [4, 4], "query_stride": [2, 2], "num_query_pool_stages": 3, "blocks_per_stage": [1, 2, 7, 2],
    "embed_dim_per_stage": [96, 192, 384, 768], "window_size_per_stage": [8, 4, 14, 7],
}  # fmt: skip
_DINO = VisionClass("Dinov2Model", "encoder.layer", "attention", "layernorm", defaults=_base(14))
_ANY_SIZE = {"interpolate_pos_encoding": True}
_CLIP = VisionClass(
    "CLIPVisionModel", "encoder.layers", "self_attn", "post_layernorm", call=_ANY_SIZE, defaults=_base(32)
)
_SIGLIP = replace(_CLIP, model="SiglipVisionModel", prefix=0, defaults=_base(16))
_SAM = VisionClass(
    "Sam2VisionModel", "backbone.blocks", None, None, prefix=0, vision=("backbone_config",), defaults=_HIERA
)
_WHOLE_SAM = replace(_SAM, model="Sam2Model", inside="vision_encoder", vision=("vision_config", "backbone_config"))
_REGISTERS = ("num_register_tokens",)

VISION_CLASSES: Mapping[str, VisionClass] = {
    "dinov2": _DINO,
    "dinov2_with_registers": replace(
        _DINO, model="Dinov2WithRegistersModel", extra=_REGISTERS, defaults=_base(16, num_register_tokens=4)
    ),
    "dinov3_vit": VisionClass(
        "DINOv3ViTModel",
        "model.layer",
        "attention",
        "norm",
        extra=_REGISTERS,
        defaults=_base(16, 384, num_register_tokens=0),
    ),
    "vit": VisionClass("ViTModel", "layers", "attention", "layernorm", call=_ANY_SIZE, defaults=_base(16)),
    "clip_vision_model": _CLIP,
    "clip": replace(_CLIP, vision=("vision_config",)),
    "siglip_vision_model": _SIGLIP,
    "siglip": replace(_SIGLIP, vision=("vision_config",)),
    "sam2_vision_model": _SAM,
    "sam2": _WHOLE_SAM,
    # What the released SAM 2 is, for images as well.
    "sam2_video": replace(_WHOLE_SAM, model="Sam2VideoModel"),
}
"""By the `model_type` of config.json."""


@dataclass(frozen=True)
class VisionModel:
    """A model as its config.json describes it."""

    known: VisionClass
    grids: TokenGrids
    prefix: int
    """Tokens before those of the patches."""

    @classmethod
    def of(cls, whose: str, config: Mapping[str, Any]) -> VisionModel:
        """From the config.

        Args:
            whose: named in messages.
            config: as in config.json.

        Raises:
            InputError: it is of a model that is not known, or an entry is none that can be.
        """
        kind = str(config.get("model_type"))
        if kind not in VISION_CLASSES:
            raise InputError(
                f"{whose}: config.json: model_type is '{kind}'; known: {', '.join(VISION_CLASSES)}: take one of these"
            )
        known, inner = VISION_CLASSES[kind], config
        try:
            for name in known.vision:
                inner = inner.get(name) or {}
            # Configs on the hub are often written without what is a default.
            inner = {**known.defaults, **{name: value for name, value in inner.items() if value is not None}}
            grids = _hiera(known, inner) if known.attention is None else _plain(known, inner)
            prefix = known.prefix + sum(int(inner[name]) for name in known.extra)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{whose}: config.json cannot be read ({error}); get it again, in the format of transformers"
            ) from error
        return cls(known, grids, prefix)


def _plain(known: VisionClass, config: Mapping[str, Any]) -> TokenGrids:
    """One grid and one width in all blocks."""
    patch, depth = int(config["patch_size"]), int(config["num_hidden_layers"])
    return TokenGrids(known.model, patch, (patch,) * depth, (int(config["hidden_size"]),) * depth)


def _hiera(known: VisionClass, config: Mapping[str, Any]) -> TokenGrids:
    """Stages, each of half the last one's resolution; the positions of the first repeat from window to window."""
    patch, stride = int(config["patch_stride"][0]), int(config["query_stride"][0])
    depths, widths = config["blocks_per_stage"], config["embed_dim_per_stage"]
    pooled = [stride if 0 < stage <= config["num_query_pool_stages"] else 1 for stage in range(len(depths))]
    scales = list(accumulate(pooled, lambda total, factor: total * factor))
    side = patch * max(int(config["window_size_per_stage"][0]), prod(pooled))
    return TokenGrids(
        known.model,
        side,
        tuple(patch * scale for scale, depth in zip(scales, depths, strict=True) for _ in range(depth)),
        tuple(int(width) for width, depth in zip(widths, depths, strict=True) for _ in range(depth)),
    )
