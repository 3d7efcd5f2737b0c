"""Sizes of the grids of a transformer's tokens, from its configs. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zeroshot_vss.backbones.geometry import Grids
from zeroshot_vss.settings.sampling import MethodSampling


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
    coupled: bool = False

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

    def fault(self, sampling: MethodSampling, blocks: Sequence[int]) -> str | None:
        for block in blocks:
            if block >= len(self.cells):
                return f"there is no block {block}; its blocks are 0 to {len(self.cells) - 1}: choose among them"
        if sampling.time_ids is not None:
            return f"sampling.time_ids is {list(sampling.time_ids)}; leave it out: models like SVD alone take it"
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
