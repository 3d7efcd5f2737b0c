"""Sizes of a backbone's grids, from its configs: of any, and of a diffusion model with a UNet. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import MethodSampling

SD21 = ("UNet2DConditionModel", (320, 640, 1280, 1280), 1024)
SVD = ("UNetSpatioTemporalConditionModel", (320, 640, 1280, 1280), 1024)
"""Class, channels of the levels and width of the context."""


def network_size(size: tuple[int, int], multiple: int, height: int | None) -> tuple[int, int]:
    """Height and width at which a network sees frames: at most `height` high, and cut to multiples.

    A side is 0 where the frames are too small.
    """
    rows, columns = size
    if height is not None and rows > height:
        rows, columns = height, round(columns * height / rows)
    return rows // multiple * multiple, columns // multiple * multiple


class Grids(ABC):
    """Sizes of the grids of a backbone's blocks, and which settings it can serve."""

    coupled: bool
    """Whether the frames of a batch are seen together."""

    @property
    @abstractmethod
    def identity(self) -> tuple[str, tuple[int, ...], int | None]:
        """Class, channels and width of the context; as `SD21`."""

    @property
    @abstractmethod
    def multiple(self) -> int:
        """Sides of the network's frames are multiples of this."""

    @abstractmethod
    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        """Rows and columns of a block's features for frames of that size."""

    @abstractmethod
    def features(self, block: int) -> int:
        """Channels of a block's features."""

    @abstractmethod
    def fault(self, sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        """Why the model cannot serve these settings; None where it can."""

    def row_bytes(self, size: tuple[int, int], sampling: MethodSampling, blocks: Sequence[int]) -> int:
        """Disk that the cached features of a frame of that size take, in half precision."""
        height, width = network_size(size, self.multiple, sampling.height)
        total = 0
        for block in blocks:
            rows, columns = self.grid(height, width, block)
            total += rows * columns * self.features(block)
        return 2 * total

    def misfit(self, size: tuple[int, int], sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        """Why a job with these settings would stop on frames of that size; None where nothing speaks against it."""
        seen = network_size(size, self.multiple, sampling.height)
        if 0 in seen:
            return f"frames of {size[1]} x {size[0]} pixels are smaller than {self.multiple}; enlarge them"
        if sampling.margin is not None and sampling.margin >= min(seen):
            return f"sampling.margin is {sampling.margin}; expected less than the frames' shorter side, {min(seen)}"
        return self.fault(sampling, blocks)


@dataclass(frozen=True)
class Geometry(Grids):
    """Sizes of a UNet diffusion model, by the paper's numbers of its decoder's blocks (0 is the coarsest)."""

    factor: int
    """Pixels of a latent's side."""
    channels: tuple[int, ...]
    """Of the decoder's levels, lowest resolution first."""
    attention: tuple[bool, ...]
    """Which levels have it."""
    per_level: int
    """Blocks of a level."""
    coupled: bool
    """Whether it is a video model."""
    known_as: tuple[str, tuple[int, ...], int | None]
    """Its `identity`."""

    @classmethod
    def of(cls, whose: str, unet: Mapping[str, Any], vae: Mapping[str, Any], coupled: bool = False) -> Geometry:
        """From the configs of the two.

        Args:
            whose: named in messages.
            unet, vae: as in their config.json.
            coupled: whether frames are denoised together.

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
                per_level=(layers if isinstance(layers, int) else layers[-1]) + 1,
                coupled=coupled,
                known_as=(str(unet.get("_class_name")), levels, unet.get("cross_attention_dim")),
            )
        except (KeyError, TypeError, IndexError) as error:
            raise InputError(f"{whose}: the config of its UNet or VAE lacks {error}") from error

    @property
    def identity(self) -> tuple[str, tuple[int, ...], int | None]:
        return self.known_as

    @property
    def multiple(self) -> int:
        return self.factor * 2 ** (len(self.channels) - 1)

    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        scale = self.factor * 2 ** (len(self.channels) - 1 - block // self.per_level)
        return height // scale, width // scale

    def attention_blocks(self) -> list[int]:
        """Blocks that have attention (3 to 11 in Stable Diffusion)."""
        return [k for k in range(self.per_level * len(self.channels)) if self.attention[k // self.per_level]]

    def features(self, block: int) -> int:
        return self.channels[block // self.per_level]

    def fault(self, sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        known = self.attention_blocks()
        for block in blocks:
            if block not in known:
                return f"block {block} has no attention; choose among {known}"
        if sampling.margin is not None and sampling.margin % self.factor:
            return (
                f"sampling.margin is {sampling.margin}; expected a multiple of {self.factor}, the pixels of a latent "
                "cell"
            )
        if sampling.together:
            return "sampling.together is true; leave it out: it is for models of kind 'video-transformer'"
        if self.coupled != sampling.coupled:
            return (
                "it is a video model; set sampling.time_ids"
                if self.coupled
                else "it is an image model; leave sampling.time_ids out"
            )
        return None
