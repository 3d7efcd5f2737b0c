"""Training frames, rendered once into memory-mapped arrays."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from zeroshot_vss.scenes import HEIGHT, WIDTH, render_clip
from zeroshot_vss.scenes.seeds import TRAIN_SEEDS
from zeroshot_vss.training.settings import ImageTrainingSettings, TinyDecoderSettings, VideoTrainingSettings


def _frames_of_clip(index: int, settings: ImageTrainingSettings | TinyDecoderSettings) -> NDArray[np.uint8]:
    seed = TRAIN_SEEDS + index
    chosen = np.random.default_rng([settings.seed, seed]).choice(
        settings.clip_length, settings.frames_per_clip, replace=False
    )
    return render_clip(seed, settings.clip_length, np.sort(chosen))[0]


def _consecutive_frames(index: int, settings: VideoTrainingSettings) -> NDArray[np.uint8]:
    seed = TRAIN_SEEDS + index
    start = int(np.random.default_rng([settings.seed, seed]).integers(0, settings.clip_length - settings.frames + 1))
    return render_clip(seed, settings.clip_length, np.arange(start, start + settings.frames))[0]


def _render(clips: int, each: int, processes: int, work: Callable[[int], NDArray[np.uint8]], path: Path) -> None:
    """Frames [clips * each, H, W, 3] uint8 into an .npy; labels are thrown away."""
    unfinished = path.with_suffix(".tmp.npy")
    frames = np.lib.format.open_memmap(unfinished, "w+", np.uint8, (clips * each, HEIGHT, WIDTH, 3))
    with ProcessPoolExecutor(processes) as pool:
        done = pool.map(work, range(clips), chunksize=16)
        for index, some in enumerate(track(done, "rendering training clips", clips)):
            frames[index * each : (index + 1) * each] = some
    frames.flush()
    unfinished.replace(path)


def render_training_frames(settings: ImageTrainingSettings | TinyDecoderSettings, path: Path) -> None:
    """Render single frames of the training clips to `path`."""
    work = partial(_frames_of_clip, settings=settings)
    _render(settings.clips, settings.frames_per_clip, settings.processes, work, path)


def render_training_clips(settings: VideoTrainingSettings, path: Path) -> None:
    """Render runs of consecutive frames of the training clips to `path`, clip after clip."""
    _render(
        settings.clips, settings.frames, settings.processes, partial(_consecutive_frames, settings=settings), path
    )
