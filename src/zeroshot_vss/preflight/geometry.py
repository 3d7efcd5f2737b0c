"""What the configs of a UNet and a VAE say of the grids that features lie on. Loads no weights, imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import MethodSampling

VIDEO_UNET = "UNetSpatioTemporalConditionModel"
SD21 = ("UNet2DConditionModel", (320, 640, 1280, 1280), 1024)
SVD = (VIDEO_UNET, (320, 640, 1280, 1280), 1024)
"""Class, channels of the levels and width of the context."""


@dataclass(frozen=True)
class Geometry:
    """Sizes of a diffusion model, by the paper's numbers of its decoder's blocks."""

    factor: int
    """Pixels of a latent's side."""
    channels: tuple[int, ...]
    """Of the decoder's levels, lowest resolution first."""
    attention: tuple[bool, ...]
    """Which levels have it."""
    per_level: int
    """Blocks of a level."""
    identity: tuple[str, tuple[int, ...], int]
    """As in `SD21`."""

    @classmethod
    def of(cls, spec: BackboneSpec, unet: Mapping[str, Any], vae: Mapping[str, Any]) -> Geometry:
        """From the configs of the two.

        Raises:
            InputError: they lack an entry.
        """
        try:
            widths = vae.get("block_out_channels") or vae["encoder_block_out_channels"]
            levels, layers = tuple(unet["block_out_channels"]), unet["layers_per_block"]
            return cls(
                factor=2 ** (len(widths) - 1),
                channels=levels[::-1],
                attention=tuple("CrossAttn" in kind for kind in unet["up_block_types"]),
                per_level=(layers[-1] if isinstance(layers, list) else layers) + 1,
                identity=(str(unet["_class_name"]), levels, unet["cross_attention_dim"]),
            )
        except (KeyError, TypeError) as error:
            raise InputError(f"backbone '{spec.name}': the config of its UNet or VAE lacks {error}") from error

    @property
    def multiple(self) -> int:
        """Sides of the network's frames are multiples of this."""
        return self.factor * 2 ** (len(self.channels) - 1)

    @property
    def coupled(self) -> bool:
        """Whether it is a video model."""
        return self.identity[0] == VIDEO_UNET

    def network_size(self, size: tuple[int, int], height: int | None) -> tuple[int, int]:
        """As :func:`zeroshot_vss.method.latents.network_size`; a side is 0 where the frames are too small."""
        rows, columns = size
        if height is not None and rows > height:
            rows, columns = height, round(columns * height / rows)
        return rows // self.multiple * self.multiple, columns // self.multiple * self.multiple

    def row_bytes(self, size: tuple[int, int], sampling: MethodSampling, blocks: Sequence[int]) -> int:
        """Disk that the cached queries of a frame of that size take, in half precision."""
        rows, columns = self.network_size(size, sampling.height)
        total = 0
        for block in blocks:
            level = block // self.per_level
            scale = self.factor * 2 ** (len(self.channels) - 1 - level)
            total += (rows // scale) * (columns // scale) * self.channels[level]
        return 2 * total

    def misfit(self, size: tuple[int, int], sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        """Why a job with these settings would stop on frames of that size; None where nothing speaks against it."""
        if 0 in self.network_size(size, sampling.height):
            return f"frames of {size[1]} x {size[0]} pixels are smaller than {self.multiple}; enlarge them"
        known = [k for k in range(self.per_level * len(self.channels)) if self.attention[k // self.per_level]]
        for block in blocks:
            if block not in known:
                return f"block {block} has no attention; choose among {known}"
        if self.coupled != sampling.coupled:
            return "set sampling.time_ids" if self.coupled else "leave sampling.time_ids out"
        return None
