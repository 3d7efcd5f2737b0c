"""The assembled stages, from frames to label maps, against the method written out literally (`literal_method`).

Two batches, correspondences on, both protocols; a small random model in Stable Diffusion's format. Settings are
other than the defaults, and other than each other, wherever a stage could take the wrong one.
"""

from __future__ import annotations

import json
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from literal_method import Choices, LiteralMethod
from miniatures import write_vspw
from small_models import save_stable_diffusion
from stage_jobs import configuration, run, steps_of
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.io.store import read_all
from zeroshot_vss.method.batches import Row
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.workflow.plan import Plan

SIZE = 134, 200
"""Of frames; the network sees 128 x 192, and the feature grid is 8 x 12."""
FRAMES = {"paper": 6, "released": 5}
"""Two whole batches, and two that share a frame. (Of two frames alone the first always wins the vote.)"""
SCALES = {"paper": 0.7, "released": 2.0}
"""Of the latents: of a random autoencoder the usual one would leave little but noise, and no tracks to follow."""
CLUSTERS = {"paper": 12, "released": 9}
"""With scales and seed so chosen that every one of the FAULTS shows."""
CHOICES = Choices(
    released=False, seed=3, blocks=(7, 8), step=23, clusters=9, initialisations=3, batch=3, match_block=8
)
COARSE, FULL = ("check", "features", "correspondences", "coarse"), ("baseline", "upsample")
"""Stages that make coarse maps, and those after them."""


@dataclass(frozen=True)
class Run:
    """A protocol's jobs of `ours` as the workflow runs them, and the literal method on the same clip."""

    folder: Path
    plan: Plan
    clip: str
    literal: LiteralMethod

    def results(self, stages: tuple[str, ...]) -> dict[str, Path]:
        """Run some stages; stage to the file of the clip."""
        actual: dict[str, Path] = {}
        for step in steps_of(self.plan):
            if step.stage in stages:
                assert run(step, self.folder, self.plan) == 0, (self.folder / "said.txt").read_text()
                actual[step.stage] = self.folder / Path(step.outputs[0]).parent / f"{self.clip}.h5"
        return actual


def write_clip(base: Path, frames: int) -> str:
    """A clip whose annotation has many patches, so that clusters have different labels; its name."""
    rng = np.random.default_rng(4)
    (name,) = write_vspw(base, 1, frames, SIZE, rng=rng)
    patches = rng.choice(np.array([29, 19, 77, 61], np.uint8), (8, 12))
    stored = patches.repeat(17, 0).repeat(17, 1)[: SIZE[0], : SIZE[1]]
    first = min((base / "VSPW_480p" / "data" / name / "mask").iterdir())
    Image.fromarray(stored).save(first)
    return name


def pictures(root: Path, kind: str) -> NDArray[np.uint8]:
    paths = sorted((root / "VSPW_480p" / "data" / "3_miniature" / kind).iterdir())
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def settings(protocol: str) -> dict[str, Any]:
    """Of the stages, the same as `CHOICES`."""
    return {
        "sampling": {"guidance": CHOICES.guidance},
        "features": {"blocks": [6, 7, 8], "step": CHOICES.step},
        "context": {
            "blocks": list(CHOICES.blocks), "clusters": CLUSTERS[protocol],
            "initialisations": CHOICES.initialisations, "batches": {"size": CHOICES.batch},
        },
        "refinement": {"block": CHOICES.match_block},
    }  # fmt: skip


@pytest.fixture(scope="module", params=["paper", "released"])
def protocol(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = tmp_path_factory.mktemp(request.param)
    save_stable_diffusion(base / "model")
    config = base / "model" / "vae" / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "scaling_factor": SCALES[request.param]}))
    name = write_clip(base, FRAMES[request.param])
    over = {
        "seed": CHOICES.seed,
        "methods": {"ours": {"protocol": request.param}},
        "overview": {"clips": 1},
        "backbones": {"small": {"settings": settings(request.param)}},
    }
    plan = Plan(read_config(merge(configuration(base), over)))
    (base / "run").mkdir()
    stored = pictures(base, "mask")[0].astype(int)
    annotation = np.where((stored == 0) | (stored == 255), 255, stored - 1).astype(np.uint8)
    choices = replace(CHOICES, released=request.param == "released", clusters=CLUSTERS[request.param])
    return Run(base / "run", plan, name, LiteralMethod(base / "model", pictures(base, "origin"), annotation, choices))


@pytest.fixture(scope="module")
def coarse(protocol: Run) -> dict[str, Path]:
    """Results of the stages up to coarse maps."""
    return protocol.results(COARSE)


@pytest.fixture(scope="module")
def full(protocol: Run, coarse: dict[str, Path]) -> dict[str, Path]:
    """Results of the stages after coarse maps."""
    return protocol.results(FULL)


def test_cached_queries_are_those_of_literal_passes(protocol: Run, coarse: dict[str, Path]) -> None:
    literal = protocol.literal
    with FeatureCache(coarse["features"]) as cache:
        assert cache.grid == literal.grid and cache.frames == len(literal.pixels)
        last = {f: n for batch in literal.batches for f, n in zip(batch, literal.noise_of(batch), strict=True)}
        assert cache.last_rows() == [Row(frame, last[frame]) for frame in range(cache.frames)]
        for batch in literal.batches:
            rows = [Row(frame, noise) for frame, noise in zip(batch, literal.noise_of(batch), strict=True)]
            for block in (6, 7, 8):
                actual, expected = cache.tokens(block, rows), literal.queries(batch, block, CHOICES.step)
                np.testing.assert_allclose(actual, expected, rtol=2e-3, atol=2e-3)
            mean = np.mean([literal.queries(batch, block, CHOICES.step) for block in (6, 8)], 0)
            actual = cache.aggregated((6, 8), rows).reshape(mean.shape)
            np.testing.assert_allclose(actual, mean, rtol=2e-3, atol=2e-3)
    # The comparison means something: the step before, and other blocks, are further away.
    batch = literal.batches[1]
    own = literal.queries(batch, 7, CHOICES.step)
    for other in (literal.queries(batch, 7, CHOICES.step - 1), literal.queries(batch, 6, CHOICES.step)):
        assert np.abs(other - own).max() > 0.02


def test_coarse_maps_are_those_of_the_literal_method(protocol: Run, coarse: dict[str, Path]) -> None:
    actual, literal = read_all(coarse["coarse"], "maps"), protocol.literal
    expected = literal.coarse()
    assert actual.shape == (len(literal.pixels), *literal.grid) and len(np.unique(actual)) > 2
    assert (actual == expected).mean() > 0.99


FAULTS: dict[str, dict[str, Any]] = {
    "tokens not normalised": {"normalised": False},
    "all cached blocks": {"blocks": (6, 7, 8)},
    "one block": {"blocks": (7,)},
    "the first step's features": {"step": 22},
    "the last step's features": {"step": 24},
    "K-Means on two frames": {"fitted_frames": 2},
    "one initialisation": {"initialisations": 1},
    "another seed of K-Means": {"seed": CHOICES.seed + 1},
    "the first batch's correspondences": {"first_matches": True},
    "correspondences of another block": {"match_block": 6},
    "a wider window": {"window": 8.0},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_comparison_of_coarse_maps_notices(protocol: Run, coarse: dict[str, Path], fault: str) -> None:
    """A literal method with the fault is further from the stages than what is tolerated of the right one."""
    if protocol.literal.choices.released and "window" in FAULTS[fault]:
        return  # which the released code does not have
    faulty = copy(protocol.literal)
    faulty.choices = replace(protocol.literal.choices, **FAULTS[fault])
    assert (faulty.coarse() != read_all(coarse["coarse"], "maps")).mean() > 0.02


def test_label_maps_are_those_of_the_literal_method(
    protocol: Run, coarse: dict[str, Path], full: dict[str, Path]
) -> None:
    actual, maps = read_all(full["upsample"], "maps"), read_all(coarse["coarse"], "maps").astype(np.int64)
    assert actual.shape == (len(maps), *SIZE)
    for frame in (1, len(maps) - 1):
        expected = protocol.literal.label_map(frame, maps[frame])
        assert (actual[frame] == expected).mean() > 0.99
        # The comparison means something: the coarse map alone is further away.
        rows, columns = (np.arange(side) * n // side for side, n in zip(SIZE, protocol.literal.grid, strict=True))
        assert (maps[frame][rows][:, columns] != actual[frame]).mean() > 0.05


def test_first_frame_copied(protocol: Run, full: dict[str, Path]) -> None:
    assert (read_all(full["baseline"], "maps") == protocol.literal.annotation).all()
