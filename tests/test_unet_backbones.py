"""Kinds `image` and `video`, saved as Stable Diffusion and Stable Video Diffusion are: what every kind is asked."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch

from backbone_checks import CPU, Pictures, fingerprint, found_by_a_unet, queries_of, rows
from small_models import save_stable_diffusion, save_stable_video_diffusion
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

SIZE, BLOCK = (64, 128), 8
SAVE = {
    "sd15": partial(save_stable_diffusion, linear=False),
    "sd21": save_stable_diffusion,
    "sd21-velocity": partial(save_stable_diffusion, predicts="v_prediction"),
    "svd": save_stable_video_diffusion,
}
IMAGE = [model for model in SAVE if model != "svd"]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, LatentDiffusion]:
    base, loaded = tmp_path_factory.mktemp("models"), dict[str, LatentDiffusion]()
    for model, save in SAVE.items():
        spec = BackboneSpec(name=model, kind="video" if model == "svd" else "image", path=str(save(base / model)))
        backbone = load_backbone(spec, CPU)
        assert isinstance(backbone, LatentDiffusion)
        loaded[model] = backbone
    return loaded


def sampling_of(model: str, **more: Any) -> Sampling:
    if model == "svd":
        more |= {"time_ids": (14, 127, 0.02), "batches": Batches(size=3), "guidance": (1.0, 2.5)}
    return Sampling(**{"steps": 25, "start": 23, **more})


def test_the_models_are_those_that_are_meant(models: dict[str, LatentDiffusion]) -> None:
    assert [models[model].prediction_type for model in SAVE] == ["epsilon", "epsilon", *["v_prediction"] * 2]
    shapes = [models[model].decoder.transformer(BLOCK).proj_in.weight.ndim for model in SAVE]
    assert shapes == [4, 2, 2, 2]


@pytest.mark.parametrize("model", SAVE)
def test_tokens_are_of_the_blocks_grid(model: str, models: dict[str, LatentDiffusion]) -> None:
    backbone = models[model]
    for block, grid in ((3, (2, 4)), (BLOCK, (4, 8)), (11, (8, 16))):
        found = queries_of(backbone, Pictures(SIZE), [0, 1, 2], block, sampling_of(model))
        assert backbone.grid(*SIZE, block) == grid
        assert found.shape == (3, grid[0] * grid[1], backbone.decoder.transformer(block).in_channels)
        assert (found[0] - found[1]).abs().mean() > 1e-3 and found.std(1).mean() > 1e-3


@pytest.mark.parametrize("model", IMAGE)
def test_a_frame_has_the_same_tokens_in_any_company(model: str, models: dict[str, LatentDiffusion]) -> None:
    backbone, clip, sampling = models[model], Pictures(SIZE), sampling_of(model)
    together = queries_of(backbone, clip, [0, 1, 2], BLOCK, sampling)
    turned = queries_of(backbone, clip, [2, 0, 1], BLOCK, sampling)
    alone = torch.cat([queries_of(backbone, clip, [frame], BLOCK, sampling) for frame in (0, 1, 2)])
    assert torch.allclose(together, alone, atol=1e-4) and torch.allclose(together[[2, 0, 1]], turned, atol=1e-4)


@pytest.mark.parametrize("model", SAVE)
def test_a_planted_correspondence_is_found(model: str, models: dict[str, LatentDiffusion]) -> None:
    found, stayed = found_by_a_unet(models[model], BLOCK, sampling_of(model, start=24), (64, 256))
    assert found >= 0.9 and stayed <= 0.1


@pytest.mark.parametrize("model", SAVE)
def test_the_network_stays_as_it_was(model: str, models: dict[str, LatentDiffusion]) -> None:
    """After queries were taken and after modulated passes, which hand in outputs and processors of attention."""
    backbone, sampling = models[model], sampling_of(model)
    start = start_of(backbone, Pictures(SIZE), rows([0, 1, 2]), sampling)
    before = [fingerprint(part) for part in (backbone.unet, backbone.vae)]
    output = backbone.denoise(start, sampling).states[24]
    queries_of(backbone, Pictures(SIZE), [0, 1, 2], BLOCK, sampling)
    modulation = Modulation(block=BLOCK, step=23, blend_through=23)
    plain = backbone.denoise(start, sampling, modulation=modulation)
    masks = torch.ones(3, *backbone.grid(*SIZE, BLOCK))
    masks[:, :2] = 0
    shifted = backbone.denoise_modulated(plain, torch.arange(3), masks, torch.full((3,), 50.0), modulation)
    backbone.decode(shifted)
    assert [fingerprint(part) for part in (backbone.unet, backbone.vae)] == before
    assert torch.equal(backbone.denoise(start, sampling).states[24], output)
    assert not torch.allclose(shifted, output)
