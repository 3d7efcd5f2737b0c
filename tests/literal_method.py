"""The method from frames to label maps as its description has it, a step at a time, with diffusers and scikit-learn.

Nothing of the library takes part, so that whatever its stages do wrongly together is seen. `Choices` are those of a
run; the tests change one at a time to see that their comparison would notice.
"""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion import StableDiffusionPipeline
from numpy.typing import NDArray
from PIL import Image
from sklearn.cluster import KMeans
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

from literal_pass import Literal, Trace
from zeroshot_vss.settings.upsampling import Modulation

Floats = NDArray[np.float32]
Maps = NDArray[np.int64]


@dataclass(frozen=True)
class Choices:
    """The settings of a run, and (the last three) what a fault would do."""

    released: bool
    seed: int
    blocks: tuple[int, ...]
    """Whose queries are clustered."""
    step: int
    """Of the queries."""
    clusters: int
    initialisations: int
    batch: int
    match_block: int
    window: float = 2.0
    start: int = 22
    guidance: float = 5.0
    strength: float = 50.0
    filter: float = 0.7
    fitted_frames: int | None = None
    """Of K-Means; by default the first frame, or the first batch of the released code."""
    normalised: bool = True
    first_matches: bool = False
    """The first batch's correspondences for every batch."""


class LiteralMethod:
    """A model of diffusers, and a clip.

    Args:
        folder: a `StableDiffusionPipeline`.
        frames: [n, H, W, 3] uint8.
        annotation: [H, W] labels of the first frame.
        choices: the settings.
    """

    def __init__(
        self, folder: Path, frames: NDArray[np.uint8], annotation: NDArray[np.uint8], choices: Choices
    ) -> None:
        self.pipeline: Any = StableDiffusionPipeline.from_pretrained(folder, safety_checker=None)
        self.scale: float = self.pipeline.vae.config.scaling_factor
        self.annotation, self.choices, self.size = annotation, choices, (frames.shape[1], frames.shape[2])
        height, width = (side // 64 * 64 for side in self.size)
        resized = [Image.fromarray(f).resize((width, height), Image.Resampling.BICUBIC) for f in frames]
        self.pixels = torch.from_numpy(
            np.stack([np.asarray(r) for r in resized]).astype(np.float32) / 127.5 - 1
        ).permute(0, 3, 1, 2)
        self.grid = height // 16, width // 16
        count, size = len(frames), choices.batch
        whole = [*range(0, count - size + 1, size), count - size]
        starts = whole if choices.released else range(0, count, size)
        self.batches = [list(range(first, min(first + size, count))) for first in starts]
        self._passes: dict[tuple[int, int], Trace] = {}
        tokens = self.pipeline.tokenizer([""], padding="max_length", max_length=77, return_tensors="pt")
        with torch.inference_mode():
            context = self.pipeline.text_encoder(tokens.input_ids)[0][0]
        betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
        times = np.arange(999, 0, -40)
        signal = np.cumprod(1 - betas)[times]
        sigmas = torch.tensor([*np.sqrt((1 - signal) / signal), 0], dtype=torch.float32)
        contexts = torch.stack([torch.zeros_like(context), context])
        self.model = Literal(self.pipeline.unet, sigmas, torch.from_numpy(times), contexts, choices.guidance)

    def drawn(self, purpose: str, index: int) -> Tensor:
        """Numbers of a purpose and an index."""
        shape = (4, self.pixels.shape[2] // 8, self.pixels.shape[3] // 8)
        rng = np.random.default_rng([self.choices.seed, zlib.crc32(purpose.encode()), index])
        return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))

    def noise_of(self, batch: list[int]) -> list[int]:
        """Each frame has its own; in the released code the place in the batch decides."""
        return list(range(len(batch))) if self.choices.released else batch

    @torch.inference_mode()
    def plain(self, frame: int, noise: int) -> Trace:
        """The unmodulated pass of a frame, once."""
        if (frame, noise) not in self._passes:
            posterior = self.pipeline.vae.encode(self.pixels[frame : frame + 1]).latent_dist
            sample = posterior.mean + torch.exp(posterior.logvar / 2) * self.drawn("posterior", noise)
            first = self.choices.start
            x = self.scale * sample + self.model.sigmas[first] * self.drawn("noise", noise)
            self._passes[frame, noise] = self.model.plain(x, first)
        return self._passes[frame, noise]

    def queries(self, batch: list[int], block: int, step: int) -> Floats:
        """[n, cells, channels] of the conditional half, as half precision keeps them."""
        name = f"{block // 3}.attentions.{block % 3}.transformer_blocks.0.attn1.to_q"
        kept = [self.plain(f, n).kept[step][name][1] for f, n in zip(batch, self.noise_of(batch), strict=True)]
        return torch.stack(kept).half().float().numpy()

    # Coarse maps

    def tokens(self, batch: list[int]) -> Floats:
        """[n * cells, channels]: the mean over blocks, divided by the largest channel."""
        chosen = self.choices
        mean = np.mean([self.queries(batch, block, chosen.step) for block in chosen.blocks], 0, dtype=np.float32)
        flat = mean.reshape(-1, mean.shape[-1])  # pyright: ignore
        return flat / np.abs(flat).max(1, keepdims=True) if chosen.normalised else flat

    def coarse(self) -> Maps:
        """[n, h, w] refined labels."""
        chosen, (rows, columns) = self.choices, self.grid
        cells = rows * columns
        first = self.tokens(self.batches[0])
        fitted = chosen.fitted_frames or (chosen.batch if chosen.released else 1)
        model = KMeans(chosen.clusters, n_init=chosen.initialisations, random_state=chosen.seed)  # pyright: ignore
        clusters = model.fit_predict(first[: fitted * cells])[:cells]
        sides = zip(self.grid, self.size, strict=True)
        small = self.annotation[np.ix_(*(((np.arange(n) + 0.5) * side / n).astype(int) for n, side in sides))].ravel()
        names = [np.bincount(small[clusters == index]).argmax() for index in range(chosen.clusters)]
        training, labels = first[:cells], np.array(names)[clusters]
        maps_of_frames = np.zeros((len(self.pixels), cells), np.int64)
        for batch in self.batches:
            tokens = self.tokens(batch)
            maps = KNeighborsClassifier(4).fit(training, labels).predict(tokens).reshape(len(batch), cells)
            maps_of_frames[batch] = refined = self.refined(batch, maps)
            training, labels = tokens, refined.ravel()
        return maps_of_frames.reshape(-1, *self.grid)

    def refined(self, batch: list[int], maps: Maps) -> Maps:
        """Votes along correspondences, [n, cells]."""
        chosen = self.choices
        matched = self.batches[0][: len(batch)] if chosen.first_matches else batch
        unit = self.queries(matched, chosen.match_block, chosen.step)
        unit = unit / np.linalg.norm(unit, axis=-1, keepdims=True)
        return self.released_votes(unit, maps) if chosen.released else self.votes(unit, maps)

    def apart(self, p: int, q: int) -> tuple[int, int]:
        """Rows and columns from a cell to another."""
        (a, b), (c, d) = divmod(p, self.grid[1]), divmod(q, self.grid[1])
        return c - a, d - b

    def votes(self, unit: Floats, maps: Maps) -> Maps:
        """Equations 3 to 5."""
        refined, cells = maps.copy(), maps.shape[1]
        for j in range(len(maps)):
            for p in range(cells):
                q, track = p, [maps[j, p]]
                for k in range(j, len(maps) - 1):
                    near = [r for r in range(cells) if np.square(self.apart(q, r)).sum() <= self.choices.window]
                    q = max(near, key=lambda r, k=k, q=q: float(unit[k, q] @ unit[k + 1, r]))
                    track.append(maps[k + 1, q])
                refined[j, p] = max(track, key=track.count)
        return refined

    def released_votes(self, unit: Floats, maps: Maps) -> Maps:
        """The released code's tracks and votes."""
        refined = maps.copy()
        for p in range(maps.shape[1]):
            track = [p]
            for k in range(len(maps) - 1):
                here = unit[k, track[-1]]
                score = (k * (unit[k + 1] @ here) + unit[0] @ here) / (k + 1)
                track.append(int(score.argmax()))
            if all(max(self.apart(a, b)) <= 1 for a, b in pairwise(track)):
                votes = [maps[j, q] for j, q in enumerate(track)]
                for j, q in enumerate(track):
                    refined[j, q] = max(votes, key=votes.count)
        return refined

    # Label maps

    @torch.inference_mode()
    def label_map(self, frame: int, coarse: NDArray[np.int64]) -> NDArray[np.int64]:
        """The label with the largest difference map, [H, W], under the noise of the frame's last batch."""
        noise = {f: n for batch in self.batches for f, n in zip(batch, self.noise_of(batch), strict=True)}
        trace = self.plain(frame, noise[frame])
        labels, chosen = np.unique(coarse), self.choices
        if len(labels) == 1:
            return np.full(self.size, labels[0])
        modulation = Modulation(block=7, step=22, strength=chosen.strength, blend_through=23)
        offered = []
        for label in labels:
            mask = coarse == label
            masks, strengths = torch.from_numpy(mask).repeat(2, 1, 1), chosen.strength * torch.tensor([1.0, -1.0])
            latents = self.model.modulated(trace, torch.tensor([0, 0]), masks, strengths, modulation)
            images: Any = self.pipeline.vae.decode(latents / self.scale).sample.permute(0, 2, 3, 1).numpy()
            plus, minus = images
            offered.append(difference_map(plus, minus, mask, self.size, chosen.filter, chosen.released))
        return labels[np.argmax(offered, 0)]


def difference_map(
    plus: Floats,
    minus: Floats,
    mask: NDArray[np.bool_],
    size: tuple[int, int],
    strength: float | None,
    released: bool,
) -> NDArray[np.floating]:
    """Of images [h, w, 3] about [-1, 1] and a coarse mask, with the filter: [H, W]."""
    height, width = size
    if released:
        bytes_of = [(np.clip((image + 1) / 2, 0, 1) * 255).astype(np.uint8) for image in (plus, minus)]
        one, other = (cv2.resize(image, (width, height)).astype(int) for image in bytes_of)
        wrapped = (((one - other) % 256) ** 2 % 256).sum(2)
        blurred = cv2.GaussianBlur(np.sqrt(wrapped.astype(np.float32)), (5, 5), 3)
        file = io.BytesIO()
        Image.fromarray(blurred.astype(np.uint8)).save(file, "JPEG", quality=75)
        kept = np.asarray(Image.open(file), np.float64)
        change = kept / (kept.max() + 1e-5)
    else:
        one, other = (cv2.resize(image.clip(-1, 1), (width, height)) for image in (plus, minus))
        blurred = cv2.GaussianBlur(np.linalg.norm(one - other, axis=2), (5, 5), 3)
        change = blurred / blurred.max()
    if strength is None:
        return change
    picture = Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).resize((width, height), Image.Resampling.LANCZOS)
    inside = np.asarray(picture) / 255
    return change * (inside + strength * (1 - inside))
