"""The modulated stage against a plain run: one mask and one sign at a time, the whole UNet each time.

    python benchmarks/modulated_stage.py [--frames N] [--repeats N] [--labels N --size HEIGHT WIDTH]

Prints seconds a frame of both (median of the repeats, taken in turn), their ratio, and the largest relative
difference of the final latents. With `--labels`, the CPU seconds a frame of the whole exact stage for coarse maps of
so many labels, from latents to label maps of that size, and of the clip's own size beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np
import torch
import yaml
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from literal_pass import Literal
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.config import read_config
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.machine.runtime import budget, prepare
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.method.context import assign_labels
from zeroshot_vss.method.latents import network_size, start_of
from zeroshot_vss.method.modulation import label_maps
from zeroshot_vss.method.pairs import pairs_of, pairs_within


def nearest_places(grid: tuple[int, int], labels: int, frames: int) -> NDArray[np.uint8]:
    """Coarse maps [frames, h, w] in which each cell has the label of the nearest of so many places, which move."""
    places = np.random.default_rng(0).uniform(0, 1, (labels, 2)) * grid
    rows, columns = np.mgrid[: grid[0], : grid[1]]
    moved = [places + np.array([0.1 * frame, 0]) for frame in range(frames)]
    squared = [(rows[..., None] - p[:, 0]) ** 2 + (columns[..., None] - p[:, 1]) ** 2 for p in moved]
    return np.argmin(squared, -1).astype(np.uint8)


def main() -> None:  # noqa: PLR0915
    """Time both and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--labels", type=int)
    parser.add_argument("--size", type=int, nargs=2, default=(480, 854), metavar=("HEIGHT", "WIDTH"))
    args = parser.parse_args()
    root = Path(__file__).parent.parent / "config"
    texts = [(root / name).read_text() for name in ("config.yaml", "methods.yaml")]
    config = read_config(yaml.safe_load(texts[0]) | yaml.safe_load(texts[1]))
    settings = config.method_settings("ours", "scenes-tiny").stage_upsampling()
    sampling, modulation = settings.sampling, settings.modulation
    assert sampling is not None and modulation is not None
    backbone = load_backbone(
        config.backbones["scenes-tiny"].spec("scenes-tiny"),
        prepare(config.compute.model_copy(update={"device": "cpu"})),
    )
    assert isinstance(backbone, ImageDiffusion)
    clip = open_dataset("scenes", {"split": "validation", "count": 1, "frames": args.frames}).clip("scene-0000")
    grid = backbone.grid(*network_size(clip, backbone, sampling), modulation.block)
    cells = np.arange(grid[0] * grid[1]).reshape(grid)
    maps = np.stack([assign_labels(cells, clip.labels(i)) for i in range(len(clip))])  # pyright: ignore
    start = start_of(backbone, clip, rows_of_clip(len(clip), sampling), sampling)
    if args.labels is not None:
        maps = nearest_places(grid, args.labels, len(clip))
        memory = budget(config.compute, backbone.device)

        def cost(size: tuple[int, int]) -> float:
            began = time.process_time()
            plain = backbone.denoise(start, sampling, modulation=modulation)
            label_maps(backbone, plain, maps, size, settings, memory)
            return (time.process_time() - began) / len(clip)

        height, width = args.size
        small, large = (
            float(np.median([cost(s) for _ in range(args.repeats)])) for s in (clip.size, (height, width))
        )
        print(f"{args.labels} labels a frame, {len(clip)} frames, {config.compute.threads} threads")
        print(f"maps of {clip.size[0]} x {clip.size[1]}  {small:.2f} CPU s a frame")
        print(f"maps of {height} x {width}  {large:.2f} CPU s a frame")
        return
    pairs = pairs_of(maps)
    schedule = backbone.schedule(sampling.steps)
    literal = Literal(backbone.unet, schedule.sigmas, schedule.timesteps, backbone.contexts[-1:], 1.0)

    def fast() -> torch.Tensor:
        plain = backbone.denoise(start, sampling, modulation=modulation)
        at_once = pairs_within(plain, pairs, budget(config.compute, backbone.device))
        out = []
        for first in range(0, len(pairs), at_once):
            some = pairs[first : first + at_once]
            frames = torch.tensor([pair.frames[0] for pair in some])
            masks = torch.from_numpy(np.stack([maps[pair.frames[0]] == pair.label for pair in some]))
            strengths = torch.full((len(some),), modulation.strength)
            both = backbone.denoise_modulated(
                plain, frames.repeat(2), masks.repeat(2, 1, 1), torch.cat([strengths, -strengths]), modulation
            )
            backbone.decode(both)
            out.append(torch.stack(both.split(len(some)), 1))
        return torch.cat(out)

    def plain_run() -> torch.Tensor:
        out = []
        traces = [literal.plain(latent[None], sampling.start) for latent in start.latents]
        for pair in pairs:
            (frame,) = pair.frames
            mask = torch.from_numpy(maps[frame] == pair.label)[None].float()
            for sign in (1, -1):
                strength = torch.tensor([sign * modulation.strength])
                passes = literal.modulated(traces[frame], torch.tensor([0]), mask, strength, modulation)
                backbone.decode(passes)
                out.append(passes)
        return torch.cat(out).unflatten(0, (len(pairs), 2))

    seconds: dict[str, list[float]] = {"fast": [], "plain": []}
    results: dict[str, torch.Tensor] = {}
    for _ in range(args.repeats):
        for name, run in (("fast", fast), ("plain", plain_run)):
            began = time.perf_counter()
            with torch.inference_mode():
                results[name] = run()
            seconds[name].append((time.perf_counter() - began) / len(clip))
    fast_s, plain_s = (float(np.median(seconds[name])) for name in ("fast", "plain"))
    error = (results["fast"] - results["plain"]).norm() / results["plain"].norm()
    print(f"{len(pairs)} labels in {len(clip)} frames, {backbone.device}, {config.compute.threads} threads")
    print(f"as written     {fast_s:.2f} s a frame")
    print(f"one at a time  {plain_s:.2f} s a frame")
    print(f"ratio          {plain_s / fast_s:.1f}")
    print(f"relative difference of the final latents {error:.1e}")


if __name__ == "__main__":
    main()
