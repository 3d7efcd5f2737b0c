"""The training loop that image and video models share: AdamW, warm-up and cosine, averaged weights, data parallel."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from zeroshot_vss.io.files import replacing
from zeroshot_vss.training.settings import LoopSettings
from zeroshot_vss.training.trainer import SECONDS_BETWEEN_CHECKPOINTS, Trainer

Log = Callable[[dict[str, float | int | str]], None]


class Errors(NamedTuple):
    """Squared errors [n] of one process's step, and the timestep of each."""

    squared: Tensor
    timesteps: Tensor


def draw_timesteps(count: int, settings: LoopSettings, rng: np.random.Generator) -> Tensor:
    """`count` timesteps in 0..999, a share of them from where the method works."""
    low = rng.random(count) < settings.low_noise_share
    return torch.from_numpy(
        np.where(low, rng.integers(0, settings.low_noise_limit, count), rng.integers(0, 1000, count))
    )


def learning_rate(step: int, settings: LoopSettings) -> float:
    """Warm-up, then half a cosine down to a fiftieth."""
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    done = (step - settings.warm_up) / max(settings.steps - settings.warm_up, 1)
    return settings.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))


def optimise(
    rank: int,
    model: nn.Module,
    errors: Callable[[int, np.random.Generator], Errors],
    settings: LoopSettings,
    part: str,
    path: Path,
    log: Log,
) -> None:
    """Train the parameters of `model` that want gradients.

    Args:
        rank: 0 .. `settings.processes` - 1, of processes that are one group.
        model: the same weights in every process.
        errors: draws a batch for a step and gives its errors.
        settings: length, rate, averaging.
        part: name in the log.
        path: where rank 0 writes the averaged weights (of the trained parameters) when all steps are done. A
            checkpoint beside it, written every other minute, is gone on from.
        log: takes a row every 100 steps.
    """
    trainer = Trainer(model, settings, partial(learning_rate, settings=settings))
    checkpoint = path.with_suffix(".checkpoint")
    trainer.resume(checkpoint)
    started = saved = time.monotonic()
    sums, seen = np.zeros(5), np.zeros(5)
    while trainer.step < settings.steps:
        # A generator of the step's own: whatever was interrupted goes on as if it had not been.
        step_errors = errors(trainer.step, np.random.default_rng([settings.seed, 2, rank, trainer.step]))
        trainer.update(step_errors.squared.mean())
        fifth = step_errors.timesteps.numpy() // 200
        np.add.at(sums, fifth, step_errors.squared.detach().numpy())
        np.add.at(seen, fifth, 1)
        if rank == 0 and (trainer.step % 100 == 0 or trainer.step == settings.steps):
            fifths = sums / np.maximum(seen, 1)
            log({"part": part, "step": trainer.step, "seconds": round(time.monotonic() - started, 1),
                 "loss": round(sums.sum() / seen.sum(), 5)}
                | {f"error_t{200 * i}": round(v, 4) for i, v in enumerate(fifths)})  # fmt: skip
            sums[:], seen[:] = 0, 0
        if rank == 0 and time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            saved = time.monotonic()
            trainer.keep(checkpoint)
    if rank == 0:
        with replacing(path) as unfinished:
            save_file({n: w.contiguous() for n, w in zip(trainer.named, trainer.average, strict=True)}, unfinished)
        checkpoint.unlink(missing_ok=True)
