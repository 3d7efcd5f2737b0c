"""The loop of adaptation: what a step makes small, checkpoints, progress."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from zeroshot_vss.io.store import console
from zeroshot_vss.training.adapted import Adapted
from zeroshot_vss.training.footage import Footage
from zeroshot_vss.training.loop import Log
from zeroshot_vss.training.pair_losses import Losses, Source, step_source
from zeroshot_vss.training.settings import AdaptationSettings
from zeroshot_vss.training.trainer import SECONDS_BETWEEN_CHECKPOINTS, Trainer

CHECKPOINT = "checkpoint.pt"
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
    model = Adapted(model_folder)
    source = step_source(model, footage, settings, rank)
    trainer = Trainer(model, settings, partial(rate_at, settings=settings))
    checkpoint = work / CHECKPOINT
    trainer.resume(checkpoint)
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
                trainer.keep(checkpoint)


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
