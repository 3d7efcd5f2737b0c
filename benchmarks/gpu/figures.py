"""Everything that is measured of a model."""

from __future__ import annotations

import resource
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.gpu.clip import MovingPattern
from benchmarks.gpu.clock import MODULATED, Clock, synchronise
from benchmarks.gpu.models import MODELS
from benchmarks.gpu.stages import STAGES, Bench
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.method.latents import network_size
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.settings.method import MethodSettings

GIB = 2**30


class Stage(Settings):
    """One stage."""

    seconds: float
    """A frame, with the device waited for before and after."""
    teraflop: float
    """A frame: products, convolutions and attention of the networks."""


class Run(Settings):
    """A clip without waiting between the stages."""

    frames: int
    seconds: float
    gpu_gib: float | None
    """Largest memory that tensors took; None without a GPU."""
    host_gib: float
    """Largest resident memory of the process so far."""


class Figures(Settings):
    """What was measured of a model."""

    model: str
    method: str
    title: str
    dtype: str
    compiled: bool
    size: tuple[int, int]
    """Of the frames."""
    network_size: tuple[int, int]
    labels: int
    frames: int
    stages: dict[str, Stage]
    runs: tuple[Run, ...]
    """The clip of `frames` first, then longer ones."""
    modulated_passes: int
    """Images that went through modulated passes, two a label and frame."""
    loading_seconds: float
    cache_bytes: float
    """Of the feature cache, a frame."""

    @property
    def frames_per_second(self) -> float:
        """Of the first run, everything included but loading."""
        return self.runs[0].frames / self.runs[0].seconds

    @property
    def modulated_rate(self) -> float:
        """TFLOP/s in the modulated passes."""
        stage = self.stages[MODULATED]
        return stage.teraflop / stage.seconds


def load(spec: BackboneSpec, device: torch.device) -> tuple[LatentDiffusion, float]:
    """A model through the library's loading, and the seconds that took (files in the page cache)."""
    synchronise(device)
    began = time.perf_counter()
    backbone = load_backbone(spec, device)
    synchronise(device)
    return backbone, time.perf_counter() - began


def measure(
    spec: BackboneSpec,
    method: str,
    settings: MethodSettings,
    compute: Compute,
    device: torch.device,
    size: tuple[int, int],
    labels: int,
    lengths: Sequence[int],
    folder: Path,
) -> Figures:
    """Measure a model.

    Args:
        spec: of one of :data:`MODELS`, written.
        method: its name, for the report.
        settings: of the method; its seeds and numbers of steps count, too.
        compute: memory and frames a call.
        device: where the networks run.
        size: H, W of the frames.
        labels: in every frame.
        lengths: frames of the clips; the first is looked at stage by stage, the others for time and memory.
        folder: for files that can be deleted afterwards.
    """
    backbone, loading = load(spec, device)
    bench = Bench(backbone, settings, compute, device, folder, labels)
    clip = MovingPattern(lengths[0], size)
    some = len(bench.groups(clip)[0].rows)
    counted, timed = Clock(device, counting=True), Clock(device)
    # Warm-up: kernels are chosen and compiled, memory is reserved.
    bench.run(MovingPattern(some, size), Clock(None))
    runs = tuple(_run(bench, MovingPattern(length, size)) for length in lengths)
    bench.run(clip, timed)
    # Last: what first runs while FLOPs are counted is never compiled.
    bench.run(MovingPattern(some, size), counted)
    return Figures(
        model=spec.name,
        method=method,
        title=MODELS[spec.name].title,
        dtype=str(backbone.dtype).removeprefix("torch."),
        compiled=spec.compile,
        size=size,
        network_size=network_size(clip, backbone, settings.stage_sampling()),
        labels=labels,
        frames=len(clip),
        stages={
            stage: Stage(seconds=timed.seconds[stage] / len(clip), teraflop=counted.flops[stage] / some / 1e12)
            for stage in STAGES
        },
        runs=runs,
        modulated_passes=timed.passes,
        loading_seconds=loading,
        cache_bytes=bench.cache_bytes() / len(clip),
    )


def _run(bench: Bench, clip: MovingPattern) -> Run:
    cuda = bench.device.type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(bench.device)
    synchronise(bench.device)
    began = time.perf_counter()
    bench.run(clip, Clock(None))
    synchronise(bench.device)
    return Run(
        frames=len(clip),
        seconds=time.perf_counter() - began,
        gpu_gib=torch.cuda.max_memory_allocated(bench.device) / GIB if cuda else None,
        host_gib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB,
    )
