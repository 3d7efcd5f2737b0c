"""Adaptation of an embedded backbone to footage, without labels: denoising, and tokens that recognise a place."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.distributed as dist
from diffusers import AutoencoderTiny, UNet2DConditionModel
from pydantic import ConfigDict
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from safetensors.torch import load_file
from torch import Tensor, nn

from zeroshot_vss.backbones.hooks import recording
from zeroshot_vss.files import replacing
from zeroshot_vss.store import console
from zeroshot_vss.training.autoencoder import to_network
from zeroshot_vss.training.correspondence import view_loss, walk_loss
from zeroshot_vss.training.footage import Footage, Pair, alike, cut, draw_view, jitter
from zeroshot_vss.training.loop import Log, average_gradients, draw_timesteps
from zeroshot_vss.training.settings import LoopSettings
from zeroshot_vss.training.unet import build_scheduler

BLOCKS = (6, 7, 8)
"""The decoder blocks whose queries the method takes."""

CHECKPOINT = "checkpoint.pt"
SECONDS_BETWEEN_CHECKPOINTS = 120
LOG_EVERY = 25


class AdaptationSettings(LoopSettings):
    """Everything that the weights depend on, beside the model adapted and the footage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    height: int = 96
    """Rows of the views."""
    stored_height: int = 192
    """Rows of the decoded frames, from which views are cut."""
    pairs: int = 2
    """Pairs of views a step and process."""
    steps: int = 800
    rate: float = 6e-4
    warm_up: int = 50
    final_share: float = 0.25
    """Share of the steps, the last ones, in which the rate falls to a fiftieth."""
    ema: float = 0.995
    whole_share: float = 0.35
    """Share of the views that show the whole frame."""
    zoom: float = 2.0
    jitter: float = 0.25
    """Strength of the changes of brightness, contrast, saturation and tint, drawn for each view."""
    margin_share: float = 0.5
    """Share of the steps whose views are encoded with a reflected margin, so that both ways of encoding are known."""
    denoise_every: int = 3
    """Denoising is trained at every so many steps; the others end at the last block whose queries are wanted, for
    about half of the cost."""
    correspondence: float = 0.15
    """Weight of the term that asks for similar tokens at the same place; 0 leaves denoising alone."""
    temperature: float = 0.1
    same_share: float = 0.5
    """Share of the pairs that are two views of one frame; the rest are of two frames of a clip."""
    gap: int = 6
    """Largest distance of the two frames."""
    least_alike: float = 0.6
    """Frames whose thumbnails correlate less are not taken for a pair."""
    decoder_steps: int = 300
    """Steps of the autoencoder's decoder afterwards, its encoder frozen."""
    decoder_rate: float = 1e-3


def rate_at(step: int, settings: AdaptationSettings) -> float:
    """Warm-up, constant, then a straight line down to a fiftieth over the last steps."""
    if step < settings.warm_up:
        return settings.rate * (step + 1) / settings.warm_up
    left = (settings.steps - step) / max(settings.steps * settings.final_share, 1)
    return settings.rate * min(1.0, max(left, 0.02))


class Adapted(nn.Module):
    """The denoiser of a backbone's folder, its learned context, and its frozen encoder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float32)
        self.context = nn.Parameter(load_file(folder / "context.safetensors")["context"].float())
        vae = AutoencoderTiny.from_pretrained(folder / "vae", torch_dtype=torch.float32)
        self.encoder = [vae.encoder.eval().requires_grad_(False)]
        self.unet = self.unet.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        level = self.unet.up_blocks[BLOCKS[0] // 3]
        self.queries = {
            str(b): level.attentions[b % 3].transformer_blocks[0].attn1.to_q  # pyright: ignore
            for b in BLOCKS
        }

    @torch.no_grad()
    def encode(self, images: Tensor, margin: int) -> Tensor:
        """Latents [n, 4, h, w] of images in [-1, 1]; `margin` latents are reflected around and cut off again."""
        if margin == 0:
            return self.encoder[0](images)
        wide = nn.functional.pad(images, (4 * margin,) * 4, mode="reflect")
        return self.encoder[0](wide)[..., margin:-margin, margin:-margin]

    def forward(self, noisy: Tensor, timesteps: Tensor, whole: bool = True) -> tuple[Tensor | None, Tensor]:
        """Predicted noise, and the queries [2, n, cells, channels]: the mean of the blocks, and block 7's.

        The pass ends at the last of the queries unless it is to be `whole`; then there is no predicted noise.
        """
        context = self.context.expand(len(noisy), -1, -1)
        predicted = None
        with recording(self.queries) as tape, _ending(None if whole else self.queries[str(BLOCKS[-1])]):
            predicted = self.unet(noisy, timesteps, context).sample
        return predicted, torch.stack([torch.stack(list(tape.values())).mean(0), tape["7"]])


class _End(Exception):
    """Ends a forward pass."""


@contextmanager
def _ending(module: nn.Module | None) -> Iterator[None]:
    """End the forward pass made inside once the module has given its output; None lets it run."""
    if module is None:
        yield
        return

    def end(*_: object) -> None:
        raise _End

    handle = module.register_forward_hook(end)
    try:
        yield
    except _End:
        pass
    finally:
        handle.remove()


def draw_pair(
    footage: Footage, clip: int, size: tuple[int, int], s: AdaptationSettings, rng: np.random.Generator
) -> Pair:
    """Two views of a frame of a clip, or of two frames near each other."""
    frames = footage.clips[clip]
    first = int(rng.integers(len(frames)))
    second = first
    if rng.random() >= s.same_share:
        near = int(np.clip(first + rng.integers(1, s.gap + 1) * rng.choice([-1, 1]), 0, len(frames) - 1))
        if alike(frames[first], frames[near], s.least_alike):
            second = near
    views = (draw_view(s.whole_share, s.zoom, rng), draw_view(s.whole_share, s.zoom, rng))
    images = [jitter(cut(frames[i], v, size), s.jitter, rng) for i, v in zip((first, second), views, strict=True)]
    return Pair(np.stack(images), views, first == second)


def draw_pairs(footage: Footage, s: AdaptationSettings, rng: np.random.Generator) -> list[Pair]:
    """The pairs of a step of one process: of clips of one shape, each frame as likely as any other."""
    lengths = np.array([len(c) for c in footage.clips])
    shapes = [view_size(c, s.height) for c in footage.clips]
    chosen = int(rng.choice(len(lengths), p=lengths / lengths.sum()))
    alike_shapes = np.array([shape == shapes[chosen] for shape in shapes]) * lengths
    others = rng.choice(len(lengths), s.pairs - 1, p=alike_shapes / alike_shapes.sum())
    return [draw_pair(footage, int(c), shapes[chosen], s, rng) for c in (chosen, *others)]


def view_size(frames: np.ndarray, height: int) -> tuple[int, int]:
    """Height and width of the views of a clip, multiples of 32."""
    rows, columns = frames.shape[1:3]
    height = max(min(height, rows) // 32 * 32, 32)
    return height, max(round(columns * height / rows / 32) * 32, 32)


class Losses(NamedTuple):
    """Of one step of one process."""

    total: Tensor
    squared: Tensor
    """[n] errors of the predicted noise."""
    timesteps: Tensor
    correspondence: float


def step_losses(
    model: Adapted, footage: Footage, s: AdaptationSettings, rng: np.random.Generator, whole: bool = True
) -> Losses:
    """Draw a batch and compute what is to be made small; without the error of the predicted noise unless `whole`."""
    pairs = draw_pairs(footage, s, rng)
    images = to_network(np.concatenate([p.images for p in pairs]))
    clean = model.encode(images, 4 if rng.random() < s.margin_share else 0)
    noise = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32))
    drawn = draw_timesteps(len(pairs), s, rng) if whole else torch.from_numpy(
        rng.integers(0, s.low_noise_limit, len(pairs))
    )  # fmt: skip
    timesteps = drawn.repeat_interleave(2)
    noisy = build_scheduler().add_noise(clean, noise, timesteps)  # pyright: ignore[reportArgumentType]
    predicted, queries = model(noisy.contiguous(memory_format=torch.channels_last), timesteps, whole)
    grid = (clean.shape[2] // 2, clean.shape[3] // 2)
    terms = []
    for i, pair in enumerate(pairs):
        if s.correspondence and timesteps[2 * i] < s.low_noise_limit:
            loss = view_loss if pair.same else walk_loss
            terms += [loss(tokens[2 * i : 2 * i + 2], pair.views, grid, s.temperature) for tokens in queries]
    asked = torch.stack(terms).mean() if terms else torch.zeros(())
    if predicted is None:
        return Losses(s.correspondence * asked, torch.zeros(0), torch.zeros(0), float(asked.detach()))
    squared = (predicted - noise).square().mean((1, 2, 3))
    return Losses(squared.mean() + s.correspondence * asked, squared, timesteps, float(asked.detach()))


def is_whole(step: int, settings: AdaptationSettings) -> bool:
    """Denoising is trained at this step."""
    return not settings.correspondence or step % settings.denoise_every == 0


def adapt_process(
    rank: int, model_folder: Path, footage: Footage, settings: AdaptationSettings, work: Path, log: Log
) -> None:
    """One of `settings.processes` data-parallel processes; rank 0 shows progress, writes the log and checkpoints.

    A checkpoint in `work` is gone on from, and the outcome is that of a training that was never interrupted.
    """
    torch.set_num_threads(1)
    if settings.processes > 1:
        meeting = f"file://{(work / 'meeting').resolve()}"
        dist.init_process_group("gloo", init_method=meeting, rank=rank, world_size=settings.processes)
    model = Adapted(model_folder)
    trainer = Trainer(model, settings)
    checkpoint = work / CHECKPOINT
    if checkpoint.exists():
        trainer.restore(torch.load(checkpoint, weights_only=True))
    forecast = _time_of_a_step(model, footage, settings, rank) * (settings.steps - trainer.step)
    saved, tally = time.monotonic(), Tally()
    with _progress(rank, settings.steps, trainer.step, forecast) as advance:
        while trainer.step < settings.steps:
            # Each step has a generator of its own, so that a resumed training draws what an uninterrupted one does.
            rng, whole = generator(settings, rank, trainer.step), is_whole(trainer.step, settings)
            losses = step_losses(model, footage, settings, rng, whole)
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


def generator(settings: AdaptationSettings, rank: int, step: int) -> np.random.Generator:
    """The random numbers of a step of one process."""
    return np.random.default_rng([settings.seed, 3, rank, step])


def _time_of_a_step(model: Adapted, footage: Footage, settings: AdaptationSettings, rank: int) -> float:
    """Seconds of a step on average, measured on a few after one that warms up; changes nothing."""
    count = settings.denoise_every if settings.correspondence else 1
    started = 0.0
    for step in range(-1, count):
        started = time.monotonic() if step == 0 else started
        rng, whole = generator(settings, rank, max(step, 0)), is_whole(max(step, 0), settings)
        step_losses(model, footage, settings, rng, whole).total.backward()
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
        row = {"loss": round(float(self._sums.sum() / max(self._seen.sum(), 1)), 5)}
        row["correspondence"] = round(float(np.mean(self._asked or [0])), 4)
        row |= {f"error_t{200 * i}": round(float(v), 4) for i, v in enumerate(means)}
        self.__init__()
        return row
