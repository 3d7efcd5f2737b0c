"""What adaptation makes small at each step, from pairs of views of the footage."""

from __future__ import annotations

import copy
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from zeroshot_vss.training.adapted import Adapted, LevelInput
from zeroshot_vss.training.autoencoder import to_network
from zeroshot_vss.training.correspondence import view_loss, walk_loss
from zeroshot_vss.training.denoising import build_scheduler
from zeroshot_vss.training.footage import Footage, Pair, alike, cut, draw_view, jitter
from zeroshot_vss.training.loop import draw_timesteps
from zeroshot_vss.training.settings import AdaptationSettings


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
    """[n] errors of the predicted noise; empty where none is predicted."""
    timesteps: Tensor
    correspondence: float


class Batch(NamedTuple):
    """Pairs as the network sees them: both views of a pair one after the other."""

    pairs: list[Pair]
    noisy: Tensor
    noise: Tensor
    timesteps: Tensor


def draw_batch(model: Adapted, footage: Footage, s: AdaptationSettings, rng: np.random.Generator, low: bool) -> Batch:
    """Draw pairs, encode them and add noise, of a level where the method works if `low`."""
    pairs = draw_pairs(footage, s, rng)
    images = to_network(np.concatenate([p.images for p in pairs]))
    clean = model.encode(images, 4 if rng.random() < s.margin_share else 0)
    noise = torch.from_numpy(rng.standard_normal(clean.shape, dtype=np.float32))
    count = len(pairs)
    drawn = torch.from_numpy(rng.integers(0, s.low_noise_limit, count)) if low else draw_timesteps(count, s, rng)
    timesteps = drawn.repeat_interleave(2)
    noisy: Tensor = build_scheduler().add_noise(clean, noise, timesteps)  # pyright: ignore
    return Batch(pairs, noisy.contiguous(memory_format=torch.channels_last), noise, timesteps)


def correspondence_loss(pairs: list[Pair], queries: Tensor, s: AdaptationSettings, counted: list[bool]) -> Tensor:
    """Mean over the pairs that count and the kinds of tokens; `queries` [kinds, 2 * pairs, cells, channels]."""
    height, width = pairs[0].images.shape[1:3]
    grid = (height // 8, width // 8)
    terms = []
    for i, (pair, counts) in enumerate(zip(pairs, counted, strict=True)):
        if counts:
            loss = view_loss if pair.same else walk_loss
            terms += [loss(tokens[2 * i : 2 * i + 2], pair.views, grid, s.temperature) for tokens in queries]
    return torch.stack(terms).mean() if terms else torch.zeros(())


class Source(Protocol):
    """Gives the losses of a step of one process. They depend on seed, process and step alone."""

    def __call__(self, step: int) -> Losses: ...


def step_source(model: Adapted, footage: Footage, s: AdaptationSettings, rank: int) -> Source:
    """The losses that the settings ask for."""
    return CachedPasses(model, footage, s, rank) if s.trained == "queries" else WholePasses(model, footage, s, rank)


def generator(s: AdaptationSettings, rank: int, index: int) -> np.random.Generator:
    """The random numbers of a step, or of a pool, of one process: resuming draws what going on would have drawn."""
    return np.random.default_rng([s.seed, 3, rank, index])


class WholePasses:
    """Denoising at every so many steps, correspondence at all: the whole network learns."""

    def __init__(self, model: Adapted, footage: Footage, s: AdaptationSettings, rank: int) -> None:
        self.model, self.footage, self.settings, self.rank = model, footage, s, rank

    def __call__(self, step: int) -> Losses:
        s = self.settings
        whole = not s.correspondence or step % s.denoise_every == 0
        batch = draw_batch(self.model, self.footage, s, generator(s, self.rank, step), low=not whole)
        predicted, queries = self.model(batch.noisy, batch.timesteps, whole)
        counted = [bool(s.correspondence) and int(t) < s.low_noise_limit for t in batch.timesteps[::2]]
        asked = correspondence_loss(batch.pairs, queries, s, counted)
        if predicted is None:
            return Losses(s.correspondence * asked, torch.zeros(0), torch.zeros(0), float(asked.detach()))
        squared = (predicted - batch.noise).square().mean((1, 2, 3))
        return Losses(squared.mean() + s.correspondence * asked, squared, batch.timesteps, float(asked.detach()))


class CachedPass(NamedTuple):
    """A batch whose pass up to the level was computed."""

    pairs: list[Pair]
    given: LevelInput
    output: Tensor
    """Of the level, before anything was trained."""


class CachedPasses:
    """The level of the queries learns; passes up to it are kept and used several times."""

    def __init__(self, model: Adapted, footage: Footage, s: AdaptationSettings, rank: int) -> None:
        self.model, self.footage, self.settings, self.rank = model, footage, s, rank
        model.requires_grad_(False)
        model.level[0].requires_grad_(True)
        self.untouched = copy.deepcopy(model)
        self.batches = max(s.pool // s.pairs, 1)
        self.number = -1
        self.pool: list[CachedPass] = []
        self.order = np.zeros(0, np.int64)

    def __call__(self, step: int) -> Losses:
        s = self.settings
        number, place = divmod(step, self.batches * s.uses)
        if number != self.number:
            self._fill(number)
        batch = self.pool[self.order[place]]
        output, queries = self.model.level_pass(batch.given)
        asked = correspondence_loss(batch.pairs, queries, s, [True] * len(batch.pairs))
        changed = (output - batch.output).square().mean() / batch.output.var()
        return Losses(asked + s.hold * changed, torch.zeros(0), torch.zeros(0), float(asked.detach()))

    def _fill(self, number: int) -> None:
        s, rng = self.settings, generator(self.settings, self.rank, number)
        self.pool = []
        for _ in range(self.batches):
            batch = draw_batch(self.untouched, self.footage, s, rng, low=True)
            self.pool.append(CachedPass(batch.pairs, *self.untouched.until_level(batch.noisy, batch.timesteps)))
        self.order = np.concatenate([rng.permutation(self.batches) for _ in range(s.uses)])
        self.number = number
