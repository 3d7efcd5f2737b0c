"""The benchmarks run, and their figures fit each other."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmarks.context_model import compare
from benchmarks.gpu.__main__ import run
from benchmarks.gpu.clip import MovingPattern, coarse_maps
from benchmarks.gpu.clock import DECODE, ENCODE, MODULATED, PLAIN, Clock, counter
from benchmarks.gpu.models import MODELS, make_encoder, make_unet, make_vae
from benchmarks.gpu.report import Report
from benchmarks.gpu.stages import STAGES
from diffusers.models.attention_processor import Attention


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    output = tmp_path_factory.mktemp("benchmark") / "folder" / "gpu.json"
    options = {"--models": "tiny", "--device": "cpu", "--size": "64 130", "--frames": "1", "--labels": "3",
               "--clusters": "4", "--threads": "1", "--matrix": "64", "--output": str(output)}  # fmt: skip
    return run([word for name, values in options.items() for word in (name, *values.split())]), output


def test_every_stage_took_time_and_the_networks_worked(report: tuple[Report, Path]) -> None:
    figures, fast = report[0].models
    assert tuple(figures.stages) == STAGES
    assert all(stage.seconds > 0 for stage in figures.stages.values())
    worked = {name for name, stage in figures.stages.items() if stage.teraflop > 0}
    assert worked == {ENCODE, PLAIN, MODULATED, DECODE}
    assert figures.network_size == (64, 128) and figures.size == (64, 130)
    assert figures.modulated_passes == 2 * 3 * figures.frames  # two signs, three labels
    assert [run.frames for run in figures.runs] == [1, 4]
    assert figures.frames_per_second == figures.runs[0].frames / figures.runs[0].seconds
    # Float16 queries of three blocks, 4 x 8 cells of 32 channels: what the cache must hold at the least.
    assert figures.cache_bytes > 3 * 4 * 8 * 32 * 2
    # Fast mode: no guidance, one step, a decoder of its own.
    assert (figures.method, fast.method) == ("ours", "fast")
    assert all(fast.stages[name].teraflop < figures.stages[name].teraflop for name in (PLAIN, MODULATED, DECODE))
    assert figures.loading_seconds > 0 and set(report[0].device.rates) == {"float32"}


def test_flops_of_decoding_are_those_of_its_images(report: tuple[Report, Path]) -> None:
    """A frame is decoded once a label and sign: an independent count on the autoencoder alone."""
    figures = report[0].models[0]
    with counter() as counted, torch.inference_mode():
        make_vae(MODELS["tiny"]).decode(torch.zeros(1, 4, 8, 16))
    assert figures.stages[DECODE].teraflop == pytest.approx(6 * counted.get_total_flops() / 1e12)


def test_what_is_written_is_what_was_measured(report: tuple[Report, Path]) -> None:
    made, output = report
    assert Report.model_validate(json.loads(output.read_text())) == made
    text = output.with_suffix(".md").read_text()
    assert all(f"| {stage}" in text for stage in STAGES) and "peak memory of 4 frames" in text


def test_flops_of_attention_and_convolution_by_hand() -> None:
    attention = Attention(query_dim=8, heads=2, dim_head=4, bias=False)
    convolution = torch.nn.Conv2d(3, 5, 3, padding=1)
    with counter() as counted, torch.inference_mode():
        attention(torch.zeros(2, 6, 8))
    # Four projections of 2 x 6 tokens, 8 x 8; q k^T and its product with v, 2 x 2 heads of 6 x 6 x 4.
    assert counted.get_total_flops() == 2 * (4 * 2 * 6 * 8 * 8 + 2 * 2 * 2 * 6 * 6 * 4)
    with counter() as counted:
        convolution(torch.zeros(2, 3, 4, 7))
    assert counted.get_total_flops() == 2 * 2 * 5 * 4 * 7 * 3 * 9


def test_a_stage_inside_another_stops_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("benchmarks.gpu.clock.time.perf_counter", lambda: now[0])
    clock = Clock(torch.device("cpu"))
    with clock.stage("outer"):
        now[0] += 1
        with clock.stage("inner"):
            now[0] += 10
        now[0] += 2
    now[0] += 100
    with clock.stage("inner"):
        now[0] += 20
    assert dict(clock.seconds) == {"outer": 3, "inner": 30}


@pytest.mark.parametrize("labels", [1, 3, 8])
def test_every_frame_has_as_many_labels_as_asked(labels: int) -> None:
    maps = coarse_maps([0, 1, 9], (4, 5), labels)
    assert [sorted(set(m.ravel().tolist())) for m in maps] == [list(range(labels))] * 3
    assert labels == 1 or (maps[0] != maps[1]).any()
    with pytest.raises(ValueError, match="21 labels for 20 cells"):
        coarse_maps([0], (4, 5), 21)


def test_frames_do_not_depend_on_what_else_is_asked() -> None:
    clip = MovingPattern(5, (12, 20))
    frames = clip.frames([3, 1])
    assert frames.shape == (2, 12, 20, 3) and frames.dtype == np.uint8 and frames.std() > 10
    assert np.array_equal(frames[1], clip.frames([1])[0]) and (frames[0] != frames[1]).any()


@pytest.mark.parametrize(("name", "millions"), [("sd21", (866, 84, 340)), ("svd", (1525, 98, 632))])
def test_the_random_models_have_the_real_ones_sizes(name: str, millions: tuple[int, int, int]) -> None:
    """Numbers of weights of the published models; nothing is drawn on the meta device."""
    with torch.device("meta"):
        parts = [make(MODELS[name]) for make in (make_unet, make_vae, make_encoder)]
    assert [round(sum(p.numel() for p in part.parameters()) / 1e6) for part in parts] == list(millions)


def test_the_context_model_has_the_labels_of_scikit_learn() -> None:
    results = compare(frames=2, grid=(6, 8), channels=32, queries=60, repeats=1, device="cpu")
    assert [result.step.split(",")[0] for result in results] == ["K-Means", "KNN", "KNN"]
    assert all(result.differ == 0 and result.ours > 0 and result.plain > 0 for result in results)
