"""Training frames, rendered once into memory-mapped arrays."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from zeroshot_vss.scenes import HEIGHT, WIDTH, render_clip
from zeroshot_vss.training.settings import TRAIN_SEEDS, TrainingSettings


def _frames_of_clip(index: int, settings: TrainingSettings) -> NDArray[np.uint8]:
    seed = TRAIN_SEEDS + index
    chosen = np.random.default_rng([settings.seed, seed]).choice(
        settings.clip_length, settings.frames_per_clip, replace=False
    )
    return render_clip(seed, settings.clip_length, np.sort(chosen))[0]


def render_training_frames(settings: TrainingSettings, path: Path) -> NDArray[np.uint8]:
    """Render the training frames to `path` (an .npy of [n, H, W, 3] uint8); labels are thrown away."""
    count = settings.clips * settings.frames_per_clip
    frames = np.lib.format.open_memmap(path, "w+", np.uint8, (count, HEIGHT, WIDTH, 3))
    with ProcessPoolExecutor(settings.processes) as pool:
        work = pool.map(partial(_frames_of_clip, settings=settings), range(settings.clips), chunksize=16)
        for index, some in enumerate(track(work, "rendering training clips", settings.clips)):
            frames[index * len(some) : (index + 1) * len(some)] = some
    frames.flush()
    return frames
