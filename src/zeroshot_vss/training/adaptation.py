"""The loop of adaptation: what a step makes small, checkpoints, progress."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn

from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.store import console
from zeroshot_vss.training.adapted import Adapted
from zeroshot_vss.training.footage import Footage
from zeroshot_vss.training.loop import Log, average_gradients
from zeroshot_vss.training.pair_losses import Losses, Source, step_source
from zeroshot_vss.training.settings import AdaptationSettings

CHECKPOINT = "checkpoint.pt"
RENDEZVOUS = "rendezvous"
"""File by which the processes find each other."""
SECONDS_BETWEEN_CHECKPOINTS = 120
LOG_EVERY = 25


def rate_at(step: int, settings: AdaptationSettings) -> float:
    """Warm-up, constant, then a straight line down to a fiftieth over the last steps."""
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    left = (settings.steps - step) / max(settings.steps * settings.final_share, 1)
    return settings.rate * min(1.0, max(left, 0.02))


def adapt_process(
    rank: int, model_folder: Path, footage: Footage, settings: AdaptationSettings, work: Path, log: Log
) -> None:
    """One of `settings.processes` data-parallel processes; rank 0 shows progress, writes the log and checkpoints.

    A checkpoint in `work` is gone on from, and the outcome is that of a training that was never interrupted.
    """
    torch.set_num_threads(1)
    if settings.processes > 1:
        init_method = f"file://{(work / RENDEZVOUS).resolve()}"
        dist.init_process_group("gloo", init_method=init_method, rank=rank, world_size=settings.processes)
    model = Adapted(model_folder)
    source = step_source(model, footage, settings, rank)
    trainer = Trainer(model, settings)
    checkpoint = work / CHECKPOINT
    if checkpoint.exists():
        trainer.restore(torch.load(checkpoint, weights_only=True))
    forecast = _time_of_a_step(model, source, settings, trainer.step) * (settings.steps - trainer.step)
    saved, tally = time.monotonic(), Tally()
    with _progress(rank, settings.steps, trainer.step, forecast) as advance:
        while trainer.step < settings.steps:
            losses = source(trainer.step)
            trainer.update(losses.total)
            tally.add(losses)
            advance()
            done = trainer.step == settings.steps
            if rank == 0 and (trainer.step % LOG_EVERY == 0 or done):
                log({"part": "adaptation", "step": trainer.step} | tally.flush())
            if rank == 0 and (done or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS):
                saved = time.monotonic()
                with replacing(checkpoint) as partial:
                    torch.save(trainer.state(), partial)
    if settings.processes > 1:
        dist.destroy_process_group()


def _time_of_a_step(model: Adapted, source: Source, settings: AdaptationSettings, step: int) -> float:
    """Seconds of a step, measured on a few from `step` on; changes nothing."""
    if step >= settings.steps:
        return 0.0
    source(step).total.backward()
    started, count = time.monotonic(), 3
    for ahead in range(count):
        source(min(step + ahead, settings.steps - 1)).total.backward()
    model.zero_grad()
    return (time.monotonic() - started) / count


@contextmanager
def _progress(rank: int, steps: int, done: int, forecast: float) -> Iterator[Callable[[], object]]:
    """Say what is to come, then a bar with the time that remains; process 0 alone. Yields what counts a step."""
    if rank:
        yield lambda: None
        return
    console.print(
        f"adaptation: {steps - done} of {steps} steps to do, about {max(forecast / 60, 1):.0f} minutes here"
    )
    columns = (TextColumn("adapting"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("", total=steps, completed=done)
        yield lambda: bar.advance(task)


class Trainer:
    """AdamW with an exponential average of the weights; its state can be stored and restored."""

    def __init__(self, model: Adapted, settings: AdaptationSettings) -> None:
        self.named = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.parameters = list(self.named.values())
        self.average = copy.deepcopy([p.detach() for p in self.parameters])
        self.settings = settings
        self.step = 0
        groups = [
            {"params": [p for p in self.parameters if p.ndim > 1], "weight_decay": settings.weight_decay},
            {"params": [p for p in self.parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        self.optimiser = torch.optim.AdamW(groups, settings.rate, betas=(0.9, 0.99))

    def update(self, loss: Tensor) -> None:
        """One step down the gradient."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate_at(self.step, self.settings)
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


class Tally:
    """Sums of the losses between two rows of the log."""

    def __init__(self) -> None:
        self._sums, self._seen, self._asked = np.zeros(5), np.zeros(5), []

    def add(self, losses: Losses) -> None:
        """Count a step."""
        fifths = losses.timesteps.long().numpy() // 200
        np.add.at(self._sums, fifths, losses.squared.detach().numpy())
        np.add.at(self._seen, fifths, 1)
        if losses.correspondence:
            self._asked.append(losses.correspondence)

    def flush(self) -> dict[str, float]:
        """Means since the last call."""
        means = self._sums / np.maximum(self._seen, 1)
        row = {"correspondence": round(float(np.mean(self._asked or [0])), 4)}
        if self._seen.any():
            row["loss"] = round(float(self._sums.sum() / self._seen.sum()), 5)
            row |= {f"error_t{200 * i}": round(float(v), 4) for i, v in enumerate(means)}
        self.__init__()
        return row
