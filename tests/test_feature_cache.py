"""The feature stage: what the cache cannot hold is refused."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import h5py
import numpy as np
import pytest
import torch
from torch import nn

from array_clip import ArrayClip
from small_models import save_embedded
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.stages.features import cache_queries, check_range


def test_queries_beyond_half_precision_are_refused(tmp_path: Path) -> None:
    """They are finite numbers of single precision, but the cache would hold infinite ones."""
    spec = BackboneSpec(name="own", path=str(save_embedded(tmp_path / "model")))
    backbone = load_backbone(spec, torch.device("cpu"))
    assert isinstance(backbone, LatentDiffusion)
    clip = ArrayClip("a", 2 * [np.zeros((64, 64), np.uint8)])
    settings = Features(blocks=(7,), step=3, sampling=Sampling(steps=4, start=3, guidance=1))
    with h5py.File(tmp_path / "sound.h5", "w") as file:
        cache_queries(settings, 2, clip, backbone, file)
        assert np.isfinite(np.asarray(file["block7"])).all()
    for module in backbone.decoder.self_queries((7,)).values():
        cast(nn.Linear, module).weight.data.mul_(1e9)
    message = r"clip 'a', frame 0: queries of block 7 are above 65504"
    with h5py.File(tmp_path / "large.h5", "w") as file, pytest.raises(InputError, match=message):
        cache_queries(settings, 2, clip, backbone, file)


def test_the_first_such_frame_is_named() -> None:
    queries = torch.zeros(3, 2, 4, 5, dtype=torch.float16)
    check_range(queries, 7, ["a", "b", "c"])
    queries[1, 1, 0, 2] = torch.inf
    queries[2] = torch.nan
    with pytest.raises(InputError, match=r"^b: queries of block 7"):
        check_range(queries, 7, ["a", "b", "c"])
