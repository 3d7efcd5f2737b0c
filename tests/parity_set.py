"""A folder of parity fixtures, and a backbone on its weights.

The fixtures lie outside the repository. Set ZEROSHOT_VSS_PARITY to their folder, or put them where PARITY looks. All
sizes, counts, labels, blocks and steps come from the files; what the README of the fixtures fixes is below.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.base import PlainPass, Start
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

REPOSITORY = Path(__file__).resolve().parents[1]
PARITY = Path(os.environ.get("ZEROSHOT_VSS_PARITY") or REPOSITORY.parent / "shared" / "fixtures" / "parity")
needs_parity = pytest.mark.skipif(not PARITY.is_dir(), reason=f"no parity fixtures in {PARITY}")

SD_SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "epsilon",
}
BLOCK = 7
"""The modulated block."""
AGGREGATED = (6, 7, 8)
"""Blocks of which run A takes the mean, at the last step."""
RUNS = {"A": (50.0, True, True), "B": (50.0, False, True), "C": (10.0, True, False), "D": (10.0, False, False)}
"""Strength, injection, blending."""
SIGNS = {"p": 1.0, "m": -1.0}


@cache
def arrays(name: str) -> dict[str, NDArray[Any]]:
    """All arrays of one file."""
    with np.load(PARITY / f"{name}.npz") as file:
        return dict(file)


def tensor(name: str, key: str) -> Tensor:
    """One array as a tensor."""
    return torch.from_numpy(arrays(name)[key])


def matching(name: str, pattern: str) -> list[tuple[int, ...]]:
    """The numbers that the groups of `pattern` match in the keys of a file, sorted."""
    matches = (re.fullmatch(pattern, key) for key in arrays(name))
    return sorted({tuple(int(number) for number in match.groups()) for match in matches if match})


def sampler(batch: int) -> str:
    """Name of the sampler's file of a batch."""
    return f"sampler_batch{batch}" if batch else "sampler"


def sampling() -> Sampling:
    """The schedule and guidance of the set."""
    stored = arrays("sampler")
    return Sampling(
        steps=len(stored["timesteps"]), start=int(stored["start_index"]), guidance=float(stored["cfg_scale"])
    )


def modulation(run: str) -> Modulation:
    """The settings of a run: modulated at the first step, blended after all steps but the last."""
    strength, injection, blending = RUNS[run]
    schedule = sampling()
    return Modulation(
        block=BLOCK,
        step=schedule.start,
        strength=strength,
        injection=injection,
        blend_through=schedule.steps - 2 if blending else None,
    )


def query_keys(batch: int) -> list[tuple[int, int]]:
    """(block, step) of the stored features of a batch."""
    return [(block, step) for block, step in matching(f"features_batch{batch}", r"b(\d+)_self_q_t(\d+)")]


def coarse_maps(batch: int) -> NDArray[np.int64]:
    """Refined coarse maps [F, h, w] of run A."""
    stored = arrays(f"difference_batch{batch}")
    return stored["labels"][stored["coarse_masks"].argmax(0)].astype(np.int64)


def relative(actual: Any, expected: Any) -> float:
    """Length of the difference over the length of what is expected."""
    actual, expected = (np.asarray(values, np.float64) for values in (actual, expected))
    assert actual.shape == expected.shape
    return float(np.linalg.norm(actual - expected) / np.linalg.norm(expected))


class Call(NamedTuple):
    """What a UNet was asked and answered."""

    inputs: Tensor
    timestep: Tensor
    output: Tensor


@contextmanager
def network_calls(unet: torch.nn.Module) -> Iterator[list[Call]]:
    """The forward passes made inside."""
    calls: list[Call] = []

    def note(_module: torch.nn.Module, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        calls.append(Call(inputs[0], inputs[1], output[0]))

    handle = unet.register_forward_hook(note)
    try:
        yield calls
    finally:
        handle.remove()


class RecordingDiffusion(ImageDiffusion):
    """Runs each modulated pass and decodes each latent once, however many tests ask for it."""

    def __init__(self, unet: Any, vae: Any, context: Tensor, unconditional: Tensor) -> None:
        super().__init__("parity", unet, vae, SD_SCHEDULE, context, unconditional)
        self._passes: dict[Any, tuple[Tensor, Tensor]] = {}
        self._images: dict[bytes, Tensor] = {}

    def modulated(
        self, plain: PlainPass, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> tuple[Tensor, Tensor]:
        """Final latents [m, c, h, w], and the network's first output [parts, m, c, h, w]."""
        masks = masks.bool()
        asked = zip(frames.tolist(), masks, strengths.tolist(), strict=True)
        keys = [(id(plain), frame, mask.numpy().tobytes(), strength, modulation) for frame, mask, strength in asked]
        new = [i for i, key in enumerate(keys) if key not in self._passes]
        if new:
            with network_calls(self.unet) as calls:
                finals = super().denoise_modulated(plain, frames[new], masks[new], strengths[new], modulation)
            outputs = calls[0].output.unflatten(0, (plain.parts, len(new))).unbind(1)
            self._passes.update(zip((keys[i] for i in new), zip(finals, outputs, strict=True), strict=True))
        finals, outputs = zip(*(self._passes[key] for key in keys), strict=True)
        return torch.stack(finals), torch.stack(outputs, 1)

    def denoise_modulated(
        self, plain: PlainPass, frames: Tensor, masks: Tensor, strengths: Tensor, modulation: Modulation
    ) -> Tensor:
        return self.modulated(plain, frames, masks, strengths, modulation)[0]

    def decode(self, latents: Tensor, tiny: bool = False) -> Tensor:
        keys = [latent.numpy().tobytes() for latent in latents]
        new = [i for i, key in enumerate(keys) if key not in self._images]
        if new:
            self._images.update(zip((keys[i] for i in new), super().decode(latents[new]), strict=True))
        return torch.stack([self._images[key] for key in keys])


def load_backbone() -> RecordingDiffusion:
    """The small model of the set in float32."""
    unet = UNet2DConditionModel.from_pretrained(PARITY / "unet", torch_dtype=torch.float32)
    vae = AutoencoderKL.from_pretrained(PARITY / "vae", torch_dtype=torch.float32)
    return RecordingDiffusion(unet, vae, tensor("sampler", "context_cond"), tensor("sampler", "context_uncond"))


def plain_pass(
    backbone: RecordingDiffusion, batch: int, queries: Iterable[tuple[int, int]]
) -> tuple[PlainPass, list[Call]]:
    """The unmodulated pass of a batch from the stored start, recorded for all runs, and what the network answered."""
    with network_calls(backbone.unet) as calls:
        plain = backbone.denoise(Start(tensor(sampler(batch), "x_start")), sampling(), list(queries), modulation("A"))
    return plain, calls
