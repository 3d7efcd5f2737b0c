"""Parts that shrink where memory runs out, on stand-ins for a GPU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from array_clip import ArrayClip
from small_models import save_embedded
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.machine.memory import AdaptiveBatches
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation, Upsampling
from zeroshot_vss.upsamplers.base import Resources
from zeroshot_vss.upsamplers.modulation import MaskedModulation


def failing(most: int, sizes: list[int]) -> object:
    def work(some: slice) -> list[int]:
        size = some.stop - some.start
        sizes.append(size)
        if size > most:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return list(range(some.start, some.stop))

    return work


@given(st.integers(0, 40), st.integers(1, 40), st.none() | st.integers(1, 40), st.none() | st.integers(1, 40))
def test_everything_is_done_once_in_order(count: int, fits: int, most: int | None, at_most: int | None) -> None:
    sizes: list[int] = []
    batches = AdaptiveBatches(most)
    parts = list(batches.parts(count, failing(fits, sizes), at_most))  # type: ignore[arg-type]
    assert [i for part in parts for i in part] == list(range(count))
    assert all(len(part) <= min(n for n in (fits, most, at_most, count) if n is not None) for part in parts)
    again: list[int] = []
    list(batches.parts(count, failing(fits, again), at_most))  # type: ignore[arg-type]
    assert all(size <= fits for size in again), "what fits is remembered"


def test_one_that_does_not_fit_is_an_error() -> None:
    sizes: list[int] = []
    with pytest.raises(torch.cuda.OutOfMemoryError):
        list(AdaptiveBatches().parts(5, failing(0, sizes)))  # type: ignore[arg-type]
    assert sizes == [5, 3, 2, 1]


@pytest.fixture(scope="module")
def backbone(tmp_path_factory: pytest.TempPathFactory) -> LatentDiffusion:
    folder = save_embedded(tmp_path_factory.mktemp("model") / "embedded")
    return load_backbone(BackboneSpec(name="own", path=str(folder)), torch.device("cpu"))


def test_label_maps_are_the_same_where_frames_passes_and_images_do_not_fit(
    backbone: LatentDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    clip = ArrayClip("a", 5 * [np.zeros((64, 128), np.uint8)])
    sampling = Sampling(steps=6, start=4, guidance=1)
    settings = Upsampling(sampling=sampling, modulation=Modulation(block=7, step=4, blend_through=4))
    rows, resources = rows_of_clip(5, sampling), Resources(lambda: backbone, lambda: 1.0)
    coarse = rng.integers(0, 3, (5, *backbone.grid(64, 128, 7))).astype(np.uint8)
    expected = MaskedModulation(settings, resources).upsample(clip, rows, coarse)
    unet, decode = backbone.unet.forward, backbone.vae.decode
    passes: list[int] = []

    def small_unet(x: torch.Tensor, *args: object, **more: object) -> object:
        passes.append(len(x))
        if len(x) > 2:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return unet(x, *args, **more)

    def small_decode(z: torch.Tensor) -> object:
        if len(z) > 1:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return decode(z)

    monkeypatch.setattr(backbone.unet, "forward", small_unet)
    monkeypatch.setattr(backbone.vae, "decode", small_decode)
    upsampler = MaskedModulation(settings, resources)
    assert np.array_equal(upsampler.upsample(clip, rows, coarse), expected)
    failed = sum(size > 2 for size in passes)
    upsampler.upsample(clip, rows, coarse)
    assert failed == sum(size > 2 for size in passes) > 0, "no call fails twice"
