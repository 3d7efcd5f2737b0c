"""The noise schedule and the sampler: Euler steps without churn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """`sigmas` [steps + 1] with a final 0, and the network's `timesteps` [steps] (999, 959, ..., 39 for 25; a quarter
    of the logarithm of sigma where the model was trained on continuous noise levels)."""

    sigmas: Tensor
    timesteps: Tensor


def make_schedule(scheduler_config: dict[str, Any], steps: int) -> Schedule:
    """The schedule of `steps` steps, the largest noise first.

    Models trained on continuous noise levels (SVD: sigmas 0.002 to 700, rho 7, EDM's equation 5) bring their own
    spacing; for the others it is the DDPM sigmas of the model's betas at evenly spaced timesteps, the last included.
    """
    # Imported here: diffusers takes seconds, and upsamplers without a model come through this module.
    from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler

    if scheduler_config.get("timestep_type") == "continuous":
        scheduler: Any = EulerDiscreteScheduler.from_config(scheduler_config)
        scheduler.set_timesteps(steps)
        return Schedule(scheduler.sigmas.float().cpu(), scheduler.timesteps.float().cpu())
    keep = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule", "trained_betas")
    scheduler = EulerDiscreteScheduler(
        **{k: scheduler_config[k] for k in keep if k in scheduler_config}, timestep_spacing="trailing"
    )
    scheduler.set_timesteps(steps)
    return Schedule(scheduler.sigmas.float().cpu(), scheduler.timesteps.round().long().cpu())


def network_input(x: Tensor, sigma: Tensor) -> Tensor:
    """x / sqrt(sigma^2 + 1): the variance-preserving form that the network was trained on."""
    return x / (sigma**2 + 1).sqrt()


def to_epsilon(output: Tensor, x: Tensor, sigma: Tensor, prediction_type: str) -> Tensor:
    """The predicted noise, from the network's output (`epsilon` or `v_prediction`).

    Raises:
        ValueError: another prediction type.
    """
    if prediction_type == "epsilon":
        return output
    if prediction_type == "v_prediction":
        return output / (sigma**2 + 1).sqrt() + x * sigma / (sigma**2 + 1)
    raise ValueError(f"prediction type {prediction_type!r}; known: 'epsilon', 'v_prediction'")


def guide(halves: Tensor, scale: float | tuple[float, float]) -> Tensor:
    """Classifier-free guidance on [2, n, ...]: unconditional + scale (conditional - unconditional).

    A pair of scales grows linearly over frames, [2, m, frames, ...].
    """
    unconditional, conditional = halves
    if isinstance(scale, tuple):
        frames = halves.shape[2]
        growing = torch.linspace(*scale, frames, device=halves.device)
        return torch.lerp(unconditional, conditional, growing.view(-1, *[1] * (halves.ndim - 3)))
    return torch.lerp(unconditional, conditional, scale)


def clean_latent(before: Tensor, after: Tensor, schedule: Schedule, step: int) -> Tensor:
    """The clean latent that a step predicts: where it would end if it went on to sigma 0.

    Args:
        before, after: states before and after the Euler step.
    """
    start, end = schedule.sigmas[step].item(), schedule.sigmas[step + 1].item()
    return before + (after - before) * (start / (start - end))


def euler_step(x: Tensor, epsilon: Tensor, schedule: Schedule, step: int) -> Tensor:
    """x + (sigma[step + 1] - sigma[step]) epsilon."""
    return x + (schedule.sigmas[step + 1] - schedule.sigmas[step]).item() * epsilon
