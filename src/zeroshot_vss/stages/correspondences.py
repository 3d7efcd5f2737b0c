"""Correspondence stage: most similar cells between frames, from the cached queries."""

from __future__ import annotations

import h5py
import numpy as np
import torch

from zeroshot_vss.io.store import ClipKey, Manifest, add_array, key_of, run_clips
from zeroshot_vss.jobs.correspondences import CorrespondenceJob
from zeroshot_vss.machine.runtime import prepare
from zeroshot_vss.method.batches import cut, rows_of_batch
from zeroshot_vss.method.correspondence import direct_matches, pair_matches, released_tracks
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.refinement import Correspondence
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.stages.cache import FeatureCache


def run(job: CorrespondenceJob) -> None:
    """Write `<clip>.h5`.

    `paper`: `matches` [n - 1, h * w], the cell of frame j + 1 for every cell of frame j.
    `released`: `tracks<i>` [n_i, h * w] for each batch i.
    `direct`: `direct<i>` [n_i, n_i, h * w], see :func:`direct_matches`.
    """
    settings = job.settings
    device = prepare(job.compute)
    cached = Manifest.load(job.cached)

    def key(name: str) -> ClipKey:
        made_of = key_of(cached.file(name))
        return {"stage": job.stage, "code": job.code, "modules": list(job.modules),
                "clip": made_of.get("clip"), "versions": job.versions,
                "weights": made_of.get("weights"), "settings": settings.model_dump(mode="json"),
                "device": device.type}  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        with FeatureCache(cached.verified(name)) as cache:
            match_cells(settings, job.features.sampling, cache, file, device)

    run_clips("correspondences", job.manifest, job.clips, key, work, [cached])


def match_cells(
    settings: Correspondence, sampling: Sampling, cache: FeatureCache, file: h5py.File, device: torch.device
) -> None:
    """Write a clip's `matches`, `tracks<i>` or `direct<i>` into an open file, see :func:`run`."""
    if settings.batches is not None:
        for number, batch in enumerate(cut(cache.frames, settings.batches)):
            rows = rows_of_batch(batch, sampling, number)
            tokens = torch.from_numpy(cache.tokens(settings.block, rows)).to(device)
            if settings.variant == "direct":
                add_array(file, f"direct{number}", direct_matches(tokens, cache.grid, settings.window))
            else:
                add_array(file, f"tracks{number}", released_tracks(tokens))
        return
    rows = cache.last_rows()
    matches = np.zeros((max(len(rows) - 1, 0), cache.cells), np.int32)
    for batch in cut(max(len(rows) - 1, 0), Batches(size=16)):
        pieces = [*batch, batch[-1] + 1]
        tokens = torch.from_numpy(cache.tokens(settings.block, [rows[i] for i in pieces])).to(device)
        matches[batch] = pair_matches(tokens, cache.grid, settings.window)
    add_array(file, "matches", matches)
