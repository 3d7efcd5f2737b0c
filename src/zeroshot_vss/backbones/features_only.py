"""Backbones that give features and no images: their coarse maps are interpolated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from torch import Tensor

from zeroshot_vss.backbones.base import Backbone, PlainPass
from zeroshot_vss.backbones.token_grids import TokenGrids
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation


class FeaturesOnly(Backbone):
    """What models without masked modulation share.

    Args:
        name: as in the config, for messages.
        grids: sizes of its tokens' grids.
        unmodulated: why it has no masked modulation, with what to do.
    """

    def __init__(self, name: str, grids: TokenGrids, unmodulated: str) -> None:
        self.name, self.grids, self.unmodulated = name, grids, unmodulated
        self.coupled, self.multiple = grids.coupled, grids.multiple

    @property
    def whose(self) -> str:
        """The backbone, at the start of messages."""
        return f"backbone '{self.name}'"

    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        return self.grids.grid(height, width, block)

    def check(self, sampling: Sampling, blocks: Sequence[int], tiny: bool = False) -> None:
        if tiny:
            self._refuse()
        if fault := self.grids.fault(sampling, blocks):
            raise InputError(f"{self.whose}: {fault}")

    def denoise_modulated(
        self, plain: PlainPass, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        self._refuse()

    def decode(self, latents: Tensor, tiny: bool = False) -> Tensor:
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise InputError(f"{self.whose}: {self.unmodulated}")
