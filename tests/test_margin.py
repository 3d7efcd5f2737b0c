"""The margin: what is encoded is the frame continued by its mirror image, and what is kept is the frame alone."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from array_clip import ArrayClip
from small_models import save_embedded, save_stable_diffusion, save_stable_video_diffusion
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.encoding import encode_clip
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import MethodSampling, Sampling
from zeroshot_vss.workflow.paths import folder_name

SAVE = {"embedded": save_embedded, "image": save_stable_diffusion, "video": save_stable_video_diffusion}
SIZE = (64, 128)


@pytest.fixture(scope="module", params=list(SAVE))
def backbone(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> LatentDiffusion:
    folder = SAVE[request.param](tmp_path_factory.mktemp("model") / request.param)
    kind = "video" if request.param == "video" else "image"
    return load_backbone(BackboneSpec(name="own", kind=kind, path=str(folder)), torch.device("cpu"))


def frames() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, *SIZE, 3)).astype(np.uint8)


def mirrored(images: np.ndarray, margin: int) -> np.ndarray:
    """[n, H, W, ...] continued on each side; the border's own pixel is not repeated."""
    rows, columns = (np.abs(np.arange(-margin, side + margin)) for side in images.shape[1:3])
    rows, columns = (
        np.where(i >= side, 2 * (side - 1) - i, i) for i, side in zip((rows, columns), SIZE, strict=True)
    )
    return images[:, rows][:, :, columns]


@pytest.mark.parametrize("margin", [8, 32])
def test_latents_are_those_of_the_middle_of_the_continued_frame(backbone: LatentDiffusion, margin: int) -> None:
    whole = backbone.encode(mirrored(frames(), margin), None)
    cells = margin // backbone.factor
    actual = backbone.encode(frames(), None, margin)
    torch.testing.assert_close(actual, whole[..., cells:-cells, cells:-cells])
    assert actual.shape == (2, *backbone.latent_shape(*SIZE))
    assert not torch.allclose(actual, backbone.encode(frames(), None)), "or else the test shows nothing"


def test_noise_falls_upon_the_same_cells(backbone: LatentDiffusion) -> None:
    """The posterior's draw is of the frame's cells, and the same with any margin."""
    noise = torch.randn(2, *backbone.latent_shape(*SIZE), generator=torch.Generator().manual_seed(0))
    drawn = backbone.encode(frames(), noise, 16) - backbone.encode(frames(), None, 16)
    if type(backbone.vae).__name__ == "AutoencoderTiny":
        assert not drawn.any()
        return
    cells = 16 // backbone.factor
    images = torch.from_numpy(mirrored(frames(), 16)).permute(0, 3, 1, 2).float() / 127.5 - 1
    with torch.inference_mode():
        spread = backbone.vae.encode(images).latent_dist.std[..., cells:-cells, cells:-cells]
    torch.testing.assert_close(drawn, spread * noise * backbone.vae.config.scaling_factor, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("margin", [0, 16])
def test_latents_of_a_clip_take_the_posteriors_mean_and_deviation(margin: int) -> None:
    """A video autoencoder of cells of 8 pixels and two frames, whose posterior is known."""
    images = torch.rand(4, 3, 24, 40, generator=torch.Generator().manual_seed(0)) * 2 - 1
    encoder = nn.Conv2d(1, 1, 1)

    def encode(clip: torch.Tensor) -> SimpleNamespace:
        assert clip.shape == (1, 3, 4, 24 + 2 * margin, 40 + 2 * margin)
        mean = torch.nn.functional.avg_pool3d(clip, (2, 8, 8))
        return SimpleNamespace(latent_dist=SimpleNamespace(mean=mean, std=2 + mean))

    noise = torch.randn(2, 3, 3, 5, generator=torch.Generator().manual_seed(1))
    actual = encode_clip(
        SimpleNamespace(encode=encode, encoder=encoder), images, noise, margin, 8, torch.device("cpu")
    )
    mean = images.unflatten(0, (2, 2)).unflatten(3, (3, 8)).unflatten(5, (5, 8)).mean((1, 4, 6))
    torch.testing.assert_close(actual, mean + (2 + mean) * noise)


def test_the_conditioning_frame_is_continued_too(backbone: LatentDiffusion) -> None:
    if not backbone.coupled:
        pytest.skip("image models have none")
    sampling = Sampling(time_ids=(6, 127, 0.02), margin=16, batches=Batches())
    condition = backbone.condition(frames()[0], torch.zeros(3, *SIZE), sampling)
    assert condition is not None
    expected = backbone.encode(frames()[:1], None, 16)[0] / backbone.vae.config.scaling_factor
    torch.testing.assert_close(condition.latents, expected)


def test_margins_that_cannot_be(backbone: LatentDiffusion) -> None:
    video = {"time_ids": (6, 127, 0.02), "batches": Batches()} if backbone.coupled else {"guidance": 1}
    with pytest.raises(InputError, match=rf"sampling.margin is 6; expected a multiple of {backbone.factor}"):
        backbone.check(Sampling.model_validate({**video, "margin": 6}), [7])
    clip = ArrayClip("a", 2 * [np.zeros(SIZE, np.uint8)])
    sampling = Sampling.model_validate({**video, "margin": 64})
    with pytest.raises(InputError, match=r"clip 'a': sampling\.margin is 64; expected less than 64"):
        start_of(backbone, clip, rows_of_clip(2, sampling), sampling)
    fault = backbone.geometry.misfit(SIZE, sampling, [7])
    assert fault is not None and "expected less than the frames' shorter side, 64" in fault


def test_no_margin_is_no_part_of_a_path() -> None:
    assert MethodSampling(margin=0) == MethodSampling(margin=None) == MethodSampling()
    assert "margin" not in folder_name(MethodSampling()) and "margin=16" in folder_name(MethodSampling(margin=16))
