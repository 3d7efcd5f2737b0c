"""The training loop that image and video models share: AdamW, warm-up and cosine, averaged weights, data parallel."""

from __future__ import annotations

import copy
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from safetensors.torch import save_file
from torch import Tensor, nn

from zeroshot_vss.training.settings import LoopSettings

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


def average_gradients(parameters: list[nn.Parameter], processes: int) -> None:
    """Replace every gradient by its mean over the processes."""
    grads = [p.grad for p in parameters if p.grad is not None]
    flat = torch.cat([g.flatten() for g in grads])
    dist.all_reduce(flat)
    flat /= processes
    offset = 0
    for grad in grads:
        grad.copy_(flat[offset : offset + grad.numel()].view_as(grad))
        offset += grad.numel()


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
        rank: 0 .. `settings.processes` - 1; the processes meet through a file beside `path`.
        model: the same weights in every process.
        errors: draws a batch for a step and gives its errors.
        settings: length, rate, averaging.
        part: name in the log.
        path: where rank 0 writes the averaged weights (of the trained parameters) now and then.
        log: takes a row every 100 steps.
    """
    torch.set_num_threads(1)
    if settings.processes > 1:
        init_method = f"file://{path.with_suffix('.rendezvous').resolve()}"
        dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=settings.processes)
    rng = np.random.default_rng([settings.seed, 2, rank])
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    parameters = list(named.values())
    average = copy.deepcopy([p.detach() for p in parameters])
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    optimiser = torch.optim.AdamW(groups, settings.rate, betas=(0.9, 0.99))
    started, sums, seen = time.monotonic(), np.zeros(5), np.zeros(5)
    for step in range(settings.steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, settings)
        step_errors = errors(step, rng)
        optimiser.zero_grad()
        step_errors.squared.mean().backward()
        if settings.processes > 1:
            average_gradients(parameters, settings.processes)
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimiser.step()
        ema = min(settings.ema, (1 + step) / (10 + step))
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 1 - ema)
        fifth = step_errors.timesteps.numpy() // 200
        np.add.at(sums, fifth, step_errors.squared.detach().numpy())
        np.add.at(seen, fifth, 1)
        if rank == 0 and ((step + 1) % 100 == 0 or step + 1 == settings.steps):
            fifths = sums / np.maximum(seen, 1)
            log({"part": part, "step": step + 1, "seconds": round(time.monotonic() - started, 1),
                 "loss": round(sums.sum() / seen.sum(), 5)}
                | {f"error_t{200 * i}": round(v, 4) for i, v in enumerate(fifths)})  # fmt: skip
            sums[:], seen[:] = 0, 0
        if rank == 0 and ((step + 1) % 500 == 0 or step + 1 == settings.steps):
            kept = {name: weight.contiguous() for name, weight in zip(named, average, strict=True)}
            save_file(kept, path.with_suffix(".tmp"))
            os.replace(path.with_suffix(".tmp"), path)
    if settings.processes > 1:
        dist.destroy_process_group()
