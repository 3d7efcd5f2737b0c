"""One trained network: AdamW, averaged gradients, averaged weights, and all of it as a checkpoint."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from zeroshot_vss.io.files import replacing
from zeroshot_vss.training.settings import LoopSettings

SECONDS_BETWEEN_CHECKPOINTS = 120


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


class Trainer:
    """AdamW with an exponential average of the weights; its state can be stored and restored."""

    def __init__(self, model: nn.Module, settings: LoopSettings, rate: Callable[[int], float]) -> None:
        """The parameters that want gradients are trained; `rate` is the learning rate of a step."""
        self.named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.parameters = list(self.named.values())
        self.average = copy.deepcopy([p.detach() for p in self.parameters])
        self.settings = settings
        self.rate = rate
        self.step = 0
        groups = [
            {"params": [p for p in self.parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in self.parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, settings.rate, betas=(0.9, 0.99))

    def update(self, loss: Tensor) -> None:
        """One step down the gradient."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(self.step)
        self.optimiser.zero_grad()
        loss.backward()
        if self.settings.processes > 1:
            average_gradients(self.parameters, self.settings.processes)
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        ema = min(self.settings.ema, (1 + self.step) / (10 + self.step))
        torch._foreach_lerp_(self.average, [p.detach() for p in self.parameters], 1 - ema)
        self.step += 1

    def state(self) -> dict[str, Any]:
        """All that a restart needs."""
        return {"step": self.step, "optimiser": self.optimiser.state_dict(),
                "weights": {n: p.detach() for n, p in self.named.items()},
                "average": dict(zip(self.named, self.average, strict=True))}  # fmt: skip

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a stored state."""
        self.step = state["step"]
        self.optimiser.load_state_dict(state["optimiser"])
        with torch.no_grad():
            for name, p in self.named.items():
                p.copy_(state["weights"][name])
            for name, average in zip(self.named, self.average, strict=True):
                average.copy_(state["average"][name])

    def resume(self, checkpoint: Path) -> None:
        """Go on from a file that :meth:`keep` wrote, if there is one."""
        if checkpoint.exists():
            self.restore(torch.load(checkpoint, weights_only=True))

    def keep(self, checkpoint: Path) -> None:
        """Write the state; a reader never sees half of it."""
        with replacing(checkpoint) as partial:
            torch.save(self.state(), partial)
