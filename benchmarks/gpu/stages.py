"""A clip through all stages of the workflow, by the library's own functions, in one process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.gpu.clip import MovingPattern, coarse_maps
from benchmarks.gpu.clock import DECODE, ENCODE, MODULATED, PLAIN, Clock, Timed
from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.io.store import open_clip, write_clip
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.machine.runtime import budget
from zeroshot_vss.method.batches import Group, map_groups
from zeroshot_vss.method.latents import network_size
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.stages.cache import FeatureCache
from zeroshot_vss.stages.coarse import label_clip
from zeroshot_vss.stages.correspondences import match_cells
from zeroshot_vss.stages.features import cache_queries
from zeroshot_vss.upsamplers.base import Resources, make_upsampler

CACHE, MATCHES, CONTEXT, MAPS = "feature cache", "correspondences", "K-Means, KNN, votes", "difference maps, argmax"
STAGES = (ENCODE, PLAIN, CACHE, MATCHES, CONTEXT, MODULATED, DECODE, MAPS)
"""In the order in which they are met. `encode` and `unmodulated passes` are met twice, once for the features and once
for the label maps, as in the workflow."""


@dataclass(frozen=True)
class Bench:
    """A backbone and how it is used."""

    backbone: Backbone
    settings: MethodSettings
    compute: Compute
    device: torch.device
    folder: Path
    """For the stages' files."""
    labels: int
    """In every frame of the coarse maps that are modulated."""

    def groups(self, clip: MovingPattern) -> list[Group]:
        """The plain passes that a clip's label maps need."""
        sampling = self.settings.stage_upsampling().sampling
        return map_groups(len(clip), clip.mapped(), sampling, self.compute.frames_at_once)

    def run(self, clip: MovingPattern, clock: Clock) -> NDArray[np.uint8]:
        """Every stage; returns the last group's label maps [n, H, W]."""
        features, matches, coarse = (self.folder / f"{stage}.h5" for stage in ("features", "matches", "coarse"))
        settings, timed = self.settings, Timed(self.backbone, clock)
        cached, matched = settings.stage_features(), settings.stage_correspondence()
        with clock.stage(CACHE):
            at_once = self.compute.frames_at_once
            write_clip(features, {}, lambda file: cache_queries(cached, at_once, clip, timed, file))
        with FeatureCache(features) as cache:
            if matched is not None:
                with clock.stage(MATCHES):
                    write_clip(
                        matches, {}, lambda file: match_cells(matched, cached.sampling, cache, file, self.device)
                    )
            job = CoarseJob(
                dataset=DataSetSpec(name="benchmark", kind="scenes"), clips=(clip.name,), settings=settings.context,
                features=cached, refinement=matched, masks="", cached="", manifest="",
            )  # fmt: skip
            with clock.stage(CONTEXT):
                correspondences: Any = None if matched is None else open_clip(matches)
                write_clip(
                    coarse, {}, lambda file: label_clip(job, clip, None, cache, correspondences, file, self.device)
                )
                if correspondences is not None:
                    correspondences.close()
        return self.upsample(clip, self.groups(clip), clock)

    def upsample(self, clip: MovingPattern, groups: list[Group], clock: Clock) -> NDArray[np.uint8]:
        """The label maps of some groups, from coarse maps with the wanted number of labels; returns the last's."""
        settings, timed = self.settings.stage_upsampling(), Timed(self.backbone, clock)
        assert settings.modulation is not None and settings.sampling is not None
        grid = timed.grid(*network_size(clip, timed, settings.sampling), settings.modulation.block)
        resources = Resources(lambda: timed, lambda: budget(self.compute, self.device))
        upsampler = make_upsampler(settings, resources)
        made = np.empty((0, *clip.size), np.uint8)
        for group in groups:
            maps = coarse_maps([row.frame for row in group.rows], grid, self.labels)
            with clock.stage(MAPS):
                made = upsampler.upsample(clip, group.rows, maps)
        return made

    def cache_bytes(self) -> int:
        """Size on disk of the last clip's feature cache."""
        return (self.folder / "features.h5").stat().st_size
