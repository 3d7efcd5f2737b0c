"""Where a denoising starts, as far as it needs no network: what the backbone is handed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from array_clip import ArrayClip
from zeroshot_vss.backbones.base import Condition
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.method.seeds import gaussian
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling


class Recording:
    """Stands for a backbone: a latent is a frame's number and the first of its numbers; it keeps what it is given."""

    name, multiple = "recording", 8

    def __init__(self) -> None:
        self.conditioned: list[tuple[int, Tensor]] = []
        self.margins: list[int] = []

    def latent_shape(self, height: int, width: int) -> tuple[int, int, int]:
        return 1, height // 8, width // 8

    def encode(self, frames: Frames, noise: Tensor | None, margin: int = 0) -> Tensor:
        self.margins.append(margin)
        first = torch.zeros(len(frames)) if noise is None else noise[:, 0, 0, 0]
        return torch.stack([torch.from_numpy(frames[:, 0, 0, 0].astype(np.float32)), first], 1)

    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        return torch.cat([latents, noise[:, 0, 0, :1]], 1)

    def condition(self, frame: Any, noise: Tensor, sampling: Sampling) -> Condition:
        self.conditioned.append((int(frame[0, 0, 0]), noise))
        return Condition(torch.zeros(1, 1), torch.zeros(1, 1, 1))


class Numbered(ArrayClip):
    """Frames of their own number."""

    def frames(self, indices: Any) -> Frames:
        return np.stack([np.full((*self.size, 3), index, np.uint8) for index in indices])


ROWS = [Row(4, 0, 1), Row(5, 1, 1), Row(6, 2, 1)]
SAMPLING = Sampling(noise="batch", time_ids=(6, 127, 0.02), batches=Batches(size=3), seed=9)


def test_each_row_has_its_frame_and_its_numbers() -> None:
    start = start_of(Recording(), Numbered("n", [np.zeros((16, 24), np.uint8)] * 7), ROWS, SAMPLING)  # pyright: ignore
    expected = [
        [row.frame, *(float(gaussian((1, 2, 3), 9, kind, row.noise)[0, 0, 0]) for kind in ("posterior", "noise"))]
        for row in ROWS
    ]
    assert torch.allclose(start.latents, torch.tensor(expected))
    # No two of the numbers are equal.
    assert len({number for _, *numbers in expected for number in numbers}) == 6


def test_a_batch_is_conditioned_on_its_first_frame() -> None:
    backbone = Recording()
    clip = Numbered("n", [np.zeros((16, 24), np.uint8)] * 7)
    assert start_of(backbone, clip, ROWS, SAMPLING).condition is not None  # pyright: ignore
    ((frame, noise),) = backbone.conditioned
    assert frame == 4
    assert torch.equal(noise, gaussian((3, 16, 24), 9, "condition", 0))
    image = Sampling(seed=9)
    assert start_of(backbone, clip, ROWS, image).condition is None  # pyright: ignore


def test_frames_are_encoded_with_the_margin_asked_for() -> None:
    backbone = Recording()
    clip = Numbered("n", [np.zeros((16, 24), np.uint8)] * 7)
    for margin in (None, 8):
        start_of(backbone, clip, ROWS, Sampling(seed=9, margin=margin))  # pyright: ignore
    assert backbone.margins == [0, 8]
