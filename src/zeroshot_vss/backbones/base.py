"""The interface of a backbone: what the method needs of a frozen diffusion model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation


@dataclass(frozen=True)
class Condition:
    """What a video model knows of a batch beside its latents."""

    embedding: Tensor
    """[tokens, width] of the batch's first frame: context of the conditional half."""
    latents: Tensor
    """[c, h, w] of that frame, handed to the network beside every frame's own."""


@dataclass(frozen=True)
class Start:
    """Where a denoising starts."""

    latents: Tensor
    """[n, c, h, w], noised."""
    condition: Condition | None = None
    """None for image models."""
    origins: tuple[str, ...] = ()
    """Where each of the n is from, for messages: `clip 'a', frame 3`."""


@dataclass
class PlainPass:
    """What the unmodulated denoising of n frames leaves behind; all of it stays in memory.

    Recorded module outputs are [parts * n, ...] with the guidance halves (unconditional, conditional) outermost.
    """

    sampling: Sampling
    condition: Condition | None = None
    states: dict[int, Tensor] = field(default_factory=dict)
    """[n, c, h, w] after each step; `states[start - 1]` is the noised input."""
    queries: dict[tuple[int, int], Tensor] = field(default_factory=dict)
    """(block, step) to [n, h * w, channels]: self-attention queries of the conditional half."""
    injected: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    """Step to the module outputs that injection hands to the modulated passes."""
    prefix: dict[str, Any] = field(default_factory=dict)
    """Outputs of everything up to the modulated transformer at the modulated step."""
    origins: tuple[str, ...] = ()
    """As those of the start."""

    @property
    def parts(self) -> int:
        """Guidance halves."""
        return self.sampling.parts

    @property
    def frames(self) -> int:
        """n."""
        return len(next(iter(self.states.values())))


class Backbone(ABC):
    """A frozen diffusion model."""

    name: str
    coupled: bool = False
    """Whether the frames of one call are denoised together (video models) or each for itself."""
    multiple: int
    """Frame sides must be multiples of this."""

    @abstractmethod
    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        """Rows and columns of a decoder block's features for frames of that size."""

    @abstractmethod
    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        """Shape [c, h, w] of a frame's latent."""

    @abstractmethod
    def check(self, sampling: Sampling, blocks: Sequence[int], tiny: bool = False) -> None:
        """Raise InputError for settings that this model cannot serve: a block without attention, a tiny decoder."""

    @abstractmethod
    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None, margin: int = 0) -> Tensor:
        """Latents [n, c, h, w] float32 of frames [n, H, W, 3] uint8.

        Args:
            frames: of the network's size.
            noise: [n, c, h, w], draws from the posterior; None takes its mean.
            margin: pixels by which the frames are continued, mirrored; see `Sampling.margin`.
        """

    @abstractmethod
    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        """z0 + sigma[start] noise: where the denoising starts."""

    @abstractmethod
    def denoise(
        self,
        start: Start,
        sampling: Sampling,
        queries: Sequence[tuple[int, int]] = (),
        modulation: Modulation | None = None,
        last: int | None = None,
    ) -> PlainPass:
        """Run the steps `sampling.start` to `last` without modulation.

        Args:
            start: noised latents of n frames, with their condition.
            sampling: the schedule and the guidance.
            queries: (block, step) pairs whose queries are wanted.
            modulation: record what modulated passes with these settings will need.
            last: by default the schedule's last, or the last that `modulation` needs.
        """

    @abstractmethod
    def denoise_modulated(
        self, plain: PlainPass, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        """Final latents [m, c, h, w] of m modulated passes (equations 2 and 6).

        Args:
            plain: the unmodulated pass with `modulation` recorded.
            frames: [m] int64, which of its frames each pass belongs to. Coupled models take all n frames of a pass
                one after another: m is a multiple of n.
            masks: [m, h, w] of 0 and 1 on the coarse grid.
            strengths: [m], +lambda or -lambda.
        """

    def condition(self, frame: NDArray[np.uint8], noise: Tensor, sampling: Sampling) -> Condition | None:
        """What coupled models must know of a batch whose first frame is [H, W, 3]; `noise` [3, H, W] blurs it."""
        return None

    @abstractmethod
    def decode(self, latents: Tensor, tiny: bool = False) -> Tensor:
        """Images [n, 3, H, W] float32, about [-1, 1], not clamped; by the tiny decoder where it is asked for."""
