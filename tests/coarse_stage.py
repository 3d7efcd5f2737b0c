"""The coarse stage on given features, for tests of what it makes of them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.io.store import write_clip
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.jobs.coarse import CoarseJob
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.refinement import Correspondence


def coarse_job(
    features: Path, queries: NDArray[np.float16], context: ContextModel, refinement: Correspondence | None = None
) -> CoarseJob:
    """Write queries [n, h, w, channels] of block 7 as the cache of a clip, and give the job for clip `a`."""

    def fill(file: h5py.File) -> None:
        file["rows"] = np.array([[i, i, 0] for i in range(len(queries))], np.int32)
        file["block7"] = queries

    write_clip(features, {}, fill)
    return CoarseJob.model_construct(
        dataset=DataSetSpec(name="a", kind="scenes"), clips=("a",), settings=context, features=Features(blocks=(7,)),
        refinement=refinement,
    )  # fmt: skip
