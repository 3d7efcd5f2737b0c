"""A backbone whose calls are timed and counted, and the clock that it shares with the stages around it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

from zeroshot_vss.backbones.base import Backbone, Condition, PlainPass, Start
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

ENCODE, PLAIN, MODULATED, DECODE = "encode", "unmodulated passes", "modulated passes", "decode"


def _attention_on_cpu(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return sdpa_flop_count(query, key, value)


def counter() -> FlopCounterMode:
    """Counts the floating-point operations of products, convolutions and attention (a product is two)."""
    # PyTorch's own registry lacks the attention kernel of the CPU.
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    return FlopCounterMode(display=False, custom_mapping={kernel: _attention_on_cpu})


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


class Clock:
    """Seconds, and FLOPs where asked for, of named stages. A stage inside another stops the outer one's time.

    Args:
        device: it is waited for where a stage begins and ends; None waits for nothing, and the times are worthless.
        counting: count FLOPs; times are then worthless.
    """

    def __init__(self, device: torch.device | None, counting: bool = False) -> None:
        self.device, self.counting = device, counting
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.flops: Counter[str] = Counter()
        self.passes = 0
        """Images that went through modulated passes."""
        self._open: list[str] = []
        self._since = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Everything inside is of this stage, but for stages inside it."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    @contextmanager
    def model(self, name: str) -> Iterator[None]:
        """A stage that runs a network, whose FLOPs are counted."""
        with self.stage(name):
            if not self.counting:
                yield
                return
            with counter() as counted:
                yield
            self.flops[name] += counted.get_total_flops()

    def _charge(self) -> None:
        if self.device is not None:
            synchronise(self.device)
        now = time.perf_counter()
        if self._open:
            self.seconds[self._open[-1]] += now - self._since
        self._since = now


class Timed(Backbone):
    """A backbone in whose place it stands, call by call."""

    def __init__(self, backbone: Backbone, clock: Clock) -> None:
        self.backbone, self.clock = backbone, clock
        self.name, self.coupled, self.multiple = backbone.name, backbone.coupled, backbone.multiple

    def grid(self, height: int, width: int, block: int) -> tuple[int, int]:
        return self.backbone.grid(height, width, block)

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return self.backbone.latent_shape(height, width)

    def check(self, sampling: Sampling, blocks: Sequence[int], tiny: bool = False) -> None:
        self.backbone.check(sampling, blocks, tiny)

    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None, margin: int = 0) -> Tensor:
        with self.clock.model(ENCODE):
            return self.backbone.encode(frames, noise, margin)

    def condition(self, frame: NDArray[np.uint8], noise: Tensor, sampling: Sampling) -> Condition | None:
        with self.clock.model(ENCODE):
            return self.backbone.condition(frame, noise, sampling)

    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return self.backbone.add_noise(latents, noise, sampling)

    def denoise(
        self,
        start: Start,
        sampling: Sampling,
        queries: Sequence[tuple[int, int]] = (),
        modulation: Modulation | None = None,
        last: int | None = None,
    ) -> PlainPass:
        with self.clock.model(PLAIN):
            return self.backbone.denoise(start, sampling, queries, modulation, last)

    def denoise_modulated(
        self, plain: PlainPass, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        with self.clock.model(MODULATED):
            latents = self.backbone.denoise_modulated(plain, frames, masks, strengths, modulation)
        self.clock.passes += len(frames)
        return latents

    def decode(self, latents: Tensor, tiny: bool = False) -> Tensor:
        with self.clock.model(DECODE):
            return self.backbone.decode(latents, tiny)
