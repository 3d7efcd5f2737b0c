"""Direct CBR through the stages that use it, against a literal loop over batches."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import torch
from sklearn.neighbors import KNeighborsClassifier

from array_clip import ArrayClip
from coarse_stage import coarse_job
from test_correspondence import slow_direct_vote
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.refinement import Correspondence
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.stages.coarse import label_clip
from zeroshot_vss.stages.correspondences import match_cells

HEIGHT, WIDTH, FRAMES, SIZE = 3, 4, 5, 3


def test_each_batch_votes_for_itself_and_trains_the_next(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    # Two tokens that drift, so that neighbours in time are alike and labels differ.
    base = rng.standard_normal((HEIGHT, WIDTH, 6))
    tokens = (base + np.cumsum(rng.standard_normal((FRAMES, HEIGHT, WIDTH, 6)), 0) * 0.7).astype(np.float16)
    batches = Batches(size=SIZE)
    refinement = Correspondence(variant="direct", window=1, batches=batches)
    context = ContextModel(blocks=(7,), clusters=4, batches=batches)

    job = coarse_job(tmp_path / "features.h5", tokens, context, refinement)
    clip, cpu = ArrayClip("a", FRAMES * [np.zeros((6, 8), np.uint8)]), torch.device("cpu")
    with (
        FeatureCache(tmp_path / "features.h5") as cache,
        h5py.File(tmp_path / "matches.h5", "w") as matches,
        h5py.File(tmp_path / "maps.h5", "w") as file,
    ):
        match_cells(refinement, Features().sampling, cache, matches, cpu)
        assert set(matches) == {"direct0", "direct1"}
        label_clip(job, clip, None, cache, matches, file, cpu)
        actual, clusters = np.asarray(file["maps"]), np.asarray(file["clusters"])

    single = tokens.astype(np.float32)
    normalised = single / np.abs(single).max(-1, keepdims=True)
    training, labels = normalised[0].reshape(-1, 6), clusters.reshape(-1)
    changed = 0
    for first in (0, SIZE):
        some = slice(first, min(first + SIZE, FRAMES))
        flat = normalised[some].reshape(-1, 6)
        raw = KNeighborsClassifier(4).fit(training, labels).predict(flat).reshape(-1, HEIGHT, WIDTH).astype(np.int64)
        expected = slow_direct_vote(single[some].reshape(-1, HEIGHT * WIDTH, 6), raw, 1)
        assert np.array_equal(actual[some], expected)
        changed += int((raw != expected).sum())
        training, labels = flat, expected.reshape(-1)
    assert changed, "a vote that changes nothing tests nothing"
