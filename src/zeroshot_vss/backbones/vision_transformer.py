"""A vision transformer of transformers as a backbone: one forward pass a frame, no noise and no text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import PlainPass, Start
from zeroshot_vss.backbones.features_only import FeaturesOnly
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.backbones.module_path import path_of
from zeroshot_vss.backbones.token_hooks import Tap, first, module_at, tapped
from zeroshot_vss.backbones.vision_classes import VisionModel
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

if TYPE_CHECKING:
    from zeroshot_vss.backbones.token_options import VisionOptions

PROJECTIONS = {"queries": "q_proj", "keys": "k_proj", "values": "v_proj"}


class VisionTransformer(FeaturesOnly):
    """Frames are seen each for itself. The step and the noise of the settings change nothing.

    Args:
        name: as in the config, for messages.
        network: of a class in `VISION_CLASSES`, unmodified.
        described: as its config describes it.
        normalisation: mean and standard deviation of the pixels.
        options: which tokens are taken.
        unmodulated: see :class:`FeaturesOnly`.
    """

    def __init__(
        self,
        name: str,
        network: Any,
        described: VisionModel,
        normalisation: tuple[tuple[float, ...], tuple[float, ...]],
        options: VisionOptions,
        unmodulated: str,
    ) -> None:
        super().__init__(name, described.grids, unmodulated)
        self.network = network.eval().requires_grad_(False)
        self.described, self.options = described, options
        self.mean, self.deviation = (torch.tensor(values).view(3, 1, 1) for values in normalisation)
        parameter = next(self.network.parameters())
        self.device, self.dtype = parameter.device, parameter.dtype

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return 3, height, width

    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None, margin: int = 0) -> Tensor:
        """Normalised pixels [n, 3, H, W] float32; the noise changes nothing."""
        images = torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 255
        return ((images - self.mean) / self.deviation).to(self.device)

    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return latents

    @torch.inference_mode()
    def denoise(
        self,
        start: Start,
        sampling: Sampling,
        queries: Sequence[tuple[int, int]] = (),
        modulation: Modulation | None = None,
        last: int | None = None,
    ) -> PlainPass:
        if modulation is not None:
            self._refuse()
        plain = PlainPass(sampling, origins=start.origins)
        plain.states[sampling.start - 1] = x = start.latents
        blocks = sorted({block for block, _ in queries})
        if not blocks:
            return plain
        with tapped({block: self._tap(block) for block in blocks}, stop=True) as seen:
            self.network(pixel_values=x.to(self.dtype), **self.described.known.call)
        for block, step in queries:
            grid = self.grid(x.shape[-2], x.shape[-1], block)
            plain.queries[block, step] = found = self._patches(seen[block], grid)
            check_finite(found, f"block {block}", self.name, plain.origins)
        return plain

    def _tap(self, block: int) -> Tap:
        known, take = self.described.known, self.options.take
        path = f"{known.blocks}.{block}"
        if self.options.module is not None:
            path = path_of(self.options.module, block)
        elif take != "output":
            path = f"{path}.{known.attention}.{PROJECTIONS[take]}"
        return Tap(module_at(self.whose, self.network, path), first)

    def _patches(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Tokens [n, h * w, C] of the patches, of what a module gave: [n, prefix + h * w, C], or [n, h, w, C]."""
        known = self.described.known
        if self.options.normed and self.options.take == "output" and self.options.module is None and known.norm:
            tokens = self.network.get_submodule(known.norm)(tokens)
        patches = tokens.flatten(1, 2) if tokens.ndim == 4 else tokens[:, self.described.prefix :]
        if patches.shape[1] != grid[0] * grid[1]:
            raise InputError(
                f"{self.whose}: {patches.shape[1]} tokens where {grid[0]} x {grid[1]} were expected; "
                "options.module must be one whose output has the block's tokens"
            )
        return patches
