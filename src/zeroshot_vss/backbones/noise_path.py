"""Between a clean latent and noise, as a model's own scheduler has it: diffusion and flow matching in one form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from zeroshot_vss.backbones.configs import is_flow


@dataclass(frozen=True)
class NoisePath:
    """States are `signal[k] z0 + noise[k] n` before step k of `steps`.

    Step k is evenly spaced in the model's times, the last included: of 50 steps over 1000 times the last is at 19 for
    diffusion and at 20 for flow matching, before the shift of the scheduler.
    """

    signal: Tensor
    """[steps + 1], 1 at the end."""
    noise: Tensor
    """[steps + 1], 0 at the end."""
    timesteps: Tensor
    """[steps], as the network is told them."""
    predicts: Literal["epsilon", "v_prediction", "flow"]

    def noised(self, latents: Tensor, noise: Tensor, step: int) -> Tensor:
        """Where a denoising from that step starts."""
        return self.signal[step].item() * latents + self.noise[step].item() * noise

    def advance(self, x: Tensor, output: Tensor, step: int) -> Tensor:
        """The state after a step, from that before it and what the network predicts there; without added noise."""
        a, s = self.signal[step].item(), self.noise[step].item()
        if self.predicts == "flow":
            clean, noise = x - s * output, x + (1 - s) * output
        elif self.predicts == "v_prediction":
            clean, noise = a * x - s * output, s * x + a * output
        else:
            clean, noise = (x - s * output) / a, output
        return self.noised(clean, noise, step + 1)


def make_path(config: Mapping[str, Any], steps: int) -> NoisePath:
    """The path of a scheduler.

    Args:
        config: as in scheduler_config.json. Of flow matching its constant shift is taken; shifts that depend on the
            size of the picture (FLUX) are left out, as the published settings are times of the unshifted path.
        steps: of the whole path.
    """
    count = int(config.get("num_train_timesteps", 1000))
    if is_flow(config):
        times = 1 - torch.arange(steps + 1, dtype=torch.float64) / steps
        shift = 1.0 if config.get("use_dynamic_shifting") else float(config.get("flow_shift", config.get("shift", 1)))
        sigmas = shift * times / (1 + (shift - 1) * times)
        return NoisePath((1 - sigmas).float(), sigmas.float(), (sigmas[:-1] * count).float(), "flow")
    # Imported here: diffusers takes seconds.
    import diffusers

    scheduler: Any = getattr(diffusers, str(config["_class_name"])).from_config(dict(config))
    indices = (count - torch.arange(steps, dtype=torch.float64) * count / steps).round().long() - 1
    signal = torch.cat([scheduler.alphas_cumprod.double()[indices], torch.ones(1, dtype=torch.float64)])
    predicts = "v_prediction" if config.get("prediction_type") == "v_prediction" else "epsilon"
    return NoisePath(signal.sqrt().float(), (1 - signal).sqrt().float(), indices, predicts)
