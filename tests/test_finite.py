"""NaN and infinite numbers stop a job and are traced to the frame, the stage and the setting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from array_clip import ArrayClip
from small_models import save_stable_diffusion
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation, Upsampling
from zeroshot_vss.upsamplers.base import Resources
from zeroshot_vss.upsamplers.modulation import MaskedModulation

SIZE = (64, 128)
SAMPLING = Sampling(steps=3, start=1)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("model") / "sd")


@pytest.fixture
def backbone(folder: Path) -> LatentDiffusion:
    return load_backbone(BackboneSpec(name="sd21", path=str(folder)), CPU)


@pytest.fixture
def clip() -> ArrayClip:
    return ArrayClip("street", 3 * [np.zeros(SIZE, np.uint8)])


def spoiled(work: Callable[..., Tensor], value: float, at: int = 0) -> Callable[..., Tensor]:
    """As `work`, with one number of its result replaced."""

    def wrapped(*given: Any, **more: Any) -> Tensor:
        result = work(*given, **more).clone()
        result[(at, *[0] * (result.ndim - 1))] = value
        return result

    return wrapped


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_encoding(backbone: LatentDiffusion, clip: ArrayClip, monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    monkeypatch.setattr(backbone, "encode_images", spoiled(backbone.encode_images, value, at=2))
    with pytest.raises(InputError) as caught:
        start_of(backbone, clip, rows_of_clip(3, SAMPLING), SAMPLING)
    message = str(caught.value)
    assert "backbone 'sd21', clip 'street', frame 2: encoding gave NaN" in message
    assert "set backbones: sd21: precision: float32" in message


def test_queries_and_states(backbone: LatentDiffusion, clip: ArrayClip, monkeypatch: pytest.MonkeyPatch) -> None:
    start = start_of(backbone, clip, rows_of_clip(3, SAMPLING), SAMPLING)
    monkeypatch.setattr(backbone, "predict", spoiled(backbone.predict, float("nan"), at=1))
    with pytest.raises(InputError, match="clip 'street', frame 1: denoising gave NaN"):
        backbone.denoise(start, SAMPLING, [(7, 2)])
    with pytest.raises(InputError, match="image 1 of 3: denoising gave NaN"):
        backbone.denoise(Start(start.latents), SAMPLING)


def upsample(backbone: LatentDiffusion, clip: ArrayClip) -> Any:
    modulation = Modulation(block=7, step=1, strength=10, blend_through=None)
    settings = Upsampling(sampling=SAMPLING, modulation=modulation)
    coarse = np.zeros((3, *backbone.grid(*SIZE, 7)), np.uint8)
    coarse[1:, :2] = 1
    resources = Resources(lambda: backbone, lambda: 1.0)
    return MaskedModulation(settings, resources).upsample(clip, rows_of_clip(3, SAMPLING), coarse)


def test_decoding_that_overflows_half_precision(folder: Path, clip: ArrayClip) -> None:
    """A decoder whose activations pass 65504: sound in single precision, no picture in half."""
    for precision in ("float32", "float16"):
        backbone = load_backbone(BackboneSpec.model_validate(
            {"name": "sd21", "path": str(folder), "precision": precision}), CPU)  # fmt: skip
        backbone.vae.decoder.conv_in.weight.data *= 3e4
        backbone.vae.decoder.conv_in.bias.data += 6e4
        if precision == "float32":
            assert set(np.unique(upsample(backbone, clip)[0])) == {0}
        else:
            with pytest.raises(InputError, match=r"clip 'street', frame 1: decoding gave NaN .* precision: float32"):
                upsample(backbone, clip)


def test_a_modulated_pass(backbone: LatentDiffusion, clip: ArrayClip, monkeypatch: pytest.MonkeyPatch) -> None:
    passes = backbone.denoise_modulated
    monkeypatch.setattr(backbone, "denoise_modulated", spoiled(passes, float("inf"), at=1))
    with pytest.raises(InputError, match="clip 'street', frame 1: a modulated pass gave"):
        upsample(backbone, clip)


def test_what_is_finite_passes() -> None:
    check_finite(torch.tensor([[1.0, -3e38], [0.0, 1e-40]]), "nothing", "a")
    check_finite(torch.tensor([[65504.0]], dtype=torch.float16), "nothing", "a")


def test_an_autoencoder_kl_on_a_gpu_is_in_single_precision(folder: Path) -> None:
    auto, half = (
        BackboneSpec.model_validate({"name": "a", "path": "a", "precision": p}) for p in ("auto", "float16")
    )
    assert auto.autoencoder_precision_on("cuda", "AutoencoderKL") == "float32"
    assert auto.autoencoder_precision_on("cuda", "AutoencoderTiny") == "float16"
    assert auto.autoencoder_precision_on("cuda", "AutoencoderKLTemporalDecoder") == "float16"
    assert half.autoencoder_precision_on("cuda", "AutoencoderKL") == "float16"
    assert auto.rounding("cuda") != half.rounding("cuda"), "their results are not the same"
