"""Sizes of the grids of a transformer's tokens, from its configs. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zeroshot_vss.backbones.geometry import Grids, network_size
from zeroshot_vss.settings.sampling import MethodSampling, Sampling


@dataclass(frozen=True)
class TokenGrids(Grids):
    """Sizes of a transformer whose tokens lie on a grid, by the numbers of its blocks in the order of computation."""

    network: str
    """Its class."""
    side: int
    """Its `multiple`."""
    cells: tuple[int, ...]
    """Pixels of a token's side, of each block."""
    widths: tuple[int, ...]
    """Channels of each block."""
    latent: int | None = None
    """Pixels of a latent's side; None for networks that see pixels, to which no noise is added."""
    most: int | None = None
    """Most tokens of a side that the network has positions for; None for any number."""
    coupled: bool = False
    group: int = 1
    """Frames of a latent frame of a video, all but the first, which holds one."""
    longest: int | None = None
    """Most frames of a batch that the network has positions for; None for any number."""

    @property
    def identity(self) -> tuple[str, tuple[int, ...], int | None]:
        return self.network, self.widths, None

    @property
    def multiple(self) -> int:
        return self.side

    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        return height // self.cells[block], width // self.cells[block]

    def features(self, block: int) -> int:
        return self.widths[block]

    def misfit(self, size: tuple[int, int], sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        return super().misfit(size, sampling, blocks) or self.excess(
            network_size(size, self.multiple, sampling.height)
        )

    def excess(self, seen: tuple[int, int]) -> str | None:
        """Why frames of the network's size are too large for it; None where they are not."""
        tokens = max(self.grid(*seen, 0))
        if self.most is None or tokens <= self.most:
            return None
        return (
            f"frames of {seen[1]} x {seen[0]} pixels are {tokens} tokens long, more than the {self.most} that it has "
            f"positions for; set sampling.height"
        )

    def fault(self, sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        for block in blocks:
            if block >= len(self.cells):
                return f"there is no block {block}; its blocks are 0 to {len(self.cells) - 1}: choose among them"
        if sampling.time_ids is not None:
            return f"sampling.time_ids is {list(sampling.time_ids)}; leave it out: models like SVD alone take it"
        return self._fault_of_batches(sampling) or self._fault_of_latents(sampling)

    def _fault_of_batches(self, sampling: MethodSampling) -> str | None:
        if self.coupled != sampling.coupled:
            return (
                "sampling.together is off; leave it out: a batch is one clip to this network"
                if self.coupled
                else "sampling.together is true; leave it out: it is for models of kind 'video-transformer'"
            )
        batch = sampling.batches.size if isinstance(sampling, Sampling) and sampling.batches else 0
        if self.longest is not None and batch > self.longest:
            return (
                f"context.batches.size is {batch}; expected at most {self.longest}, the frames that it has positions "
                "for"
            )
        return None

    def _fault_of_latents(self, sampling: MethodSampling) -> str | None:
        if self.latent is None:
            return (
                None
                if sampling.margin is None
                else (
                    f"sampling.margin is {sampling.margin}; leave it out: it is for autoencoders, and this has none"
                )
            )
        if sampling.margin is not None and sampling.margin % self.latent:
            return (
                f"sampling.margin is {sampling.margin}; expected a multiple of {self.latent}, the pixels of a latent "
                "cell"
            )
        if sampling.guidance != 1:
            return f"sampling.guidance is {sampling.guidance}; set it to 1: its features come from one pass"
        return None
