"""The shipped transformer: it denoises frames that it has not seen, and a shift of a block leaves a trace."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from workflow_copy import ROOT
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.token_diffusion import TokenDiffusion
from zeroshot_vss.datasets import Clip, open_dataset
from zeroshot_vss.settings.sampling import Sampling

SAMPLING = Sampling(guidance=1, steps=17, start=15)


@pytest.fixture(scope="module")
def backbone() -> TokenDiffusion:
    """The shipped model."""
    spec = BackboneSpec(name="small", kind="transformer", path=str(ROOT / "models" / "scenes-tiny-dit"))
    loaded = load_model(find_model(spec), torch.device("cpu"))
    assert isinstance(loaded, TokenDiffusion)
    return loaded


@pytest.fixture(scope="module")
def clip() -> Clip:
    """A validation clip, which no training has seen."""
    return open_dataset("scenes", {"split": "validation", "count": 1, "frames": 10}).clip("scene-0000")


def noised(backbone: TokenDiffusion, clip: Clip, frames: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Clean latents of some frames, and noisy ones where the method starts."""
    clean = backbone.encode(clip.frames(frames), None, 32)
    noise = torch.randn(clean.shape, generator=torch.manual_seed(0))
    return clean, backbone.add_noise(clean, noise, SAMPLING)


def test_it_denoises_frames_that_it_has_not_seen(backbone: TokenDiffusion, clip: Clip) -> None:
    """Two steps from the method's noise take more than half of its energy out (0.56; the UNet takes 0.68)."""
    clean, start = noised(backbone, clip, [0, 9])
    states = backbone.denoise(Start(start), SAMPLING, last=16).states
    left = (states[max(states)] - clean).square().mean() / (start - clean).square().mean()
    assert left < 0.5


@pytest.mark.parametrize("block", [4, 8])
def test_a_shift_of_all_channels_leaves_a_trace(backbone: TokenDiffusion, clip: Clip, block: int) -> None:
    """By the paper's lambda, in the cells of one class: too little for masked modulation to work with."""
    labels = clip.labels(0)
    assert labels is not None
    cells = torch.from_numpy(labels[::8, ::8] == np.bincount(labels.ravel()).argmax()).float().reshape(1, -1, 1)
    _, start = noised(backbone, clip, [0])
    added, states = torch.zeros_like(cells), []

    def shifted(_module: Any, _args: Any, output: Tensor) -> Tensor:
        return output + added

    handle = backbone.network.transformer_blocks[block].register_forward_hook(shifted)
    for strength in (0, 50, -50):
        added.copy_(strength * cells)
        states.append(backbone.denoise(Start(start), SAMPLING).states[16])
    handle.remove()
    step, change = ((one - other).square().mean().sqrt() for one, other in ((states[0], start), states[1:]))
    assert 0 < change < 0.02 * step
