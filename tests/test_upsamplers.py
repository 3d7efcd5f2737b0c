"""Upsamplers against maps drawn by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from array_clip import ArrayClip
from small_models import save_embedded
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import Row
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation, Upsampling
from zeroshot_vss.upsamplers import UPSAMPLERS
from zeroshot_vss.upsamplers.base import Resources, make_upsampler
from zeroshot_vss.upsamplers.modulation import MaskedModulation


def no_backbone() -> Any:
    raise AssertionError("the backbone is not needed")


def resources(backbone: Any, budget: float) -> Resources:
    """A loaded backbone and so many GiB."""
    return Resources(lambda: backbone, lambda: budget)


NO_MODEL = Resources(no_backbone, lambda: 1.0)


def upsampled(name: str, coarse: object, size: tuple[int, int]) -> np.ndarray:
    """One coarse map at another size, by an upsampler without a model."""
    settings = Upsampling.model_validate({"upsampler": name, "modulation": None, "sampling": None, "filter": None})
    clip = ArrayClip("a", [np.zeros(size, np.uint8)])
    (result,) = make_upsampler(settings, NO_MODEL).upsample(clip, [Row(0, 0)], np.array([coarse], np.uint8))
    assert result.shape == size and result.dtype == np.uint8
    return result


def test_nearest_repeats_cells() -> None:
    np.testing.assert_array_equal(
        upsampled("nearest", [[3, 255], [0, 7]], (4, 6)),
        [[3, 3, 3, 255, 255, 255]] * 2 + [[0, 0, 0, 7, 7, 7]] * 2,
    )


def test_nearest_takes_the_cell_of_the_pixels_centre() -> None:
    # Centres of five pixels over three cells: 0.3, 0.9, 1.5, 2.1, 2.7.
    np.testing.assert_array_equal(upsampled("nearest", [[1, 2, 3]], (1, 5)), [[1, 1, 2, 3, 3]])


def test_bilinear_borders_lie_between_the_centres_of_cells() -> None:
    # Centres of the cells are at pixels 1.5, 5.5 and 9.5 of twelve; the masks are equal half way.
    np.testing.assert_array_equal(upsampled("bilinear", [[7, 2, 255]], (1, 12)), [[7] * 4 + [2] * 4 + [255] * 4])


def test_bilinear_rounds_corners_and_gives_ties_to_the_smallest_label() -> None:
    # Pixel (1, 1) of the 4 x 4 lies at (0.25, 0.25) between cell centres: 9/16 for its own cell.
    coarse = [[5, 1], [1, 1]]
    np.testing.assert_array_equal(
        upsampled("bilinear", coarse, (4, 4)), [[5, 5, 1, 1], [5, 5, 1, 1], [1, 1, 1, 1], [1, 1, 1, 1]]
    )
    # The middle pixel of 3 x 3 is between all four: a quarter for 5, a half for 1. On a line: halves for both.
    assert upsampled("bilinear", coarse, (3, 3))[1, 1] == 1
    assert upsampled("bilinear", [[5, 2]], (1, 3))[0, 1] == 2
    assert upsampled("bilinear", [[2, 5]], (1, 3))[0, 1] == 2


@pytest.mark.parametrize("name", ["nearest", "bilinear"])
def test_a_map_of_one_label_stays_one(name: str) -> None:
    assert (upsampled(name, np.full((2, 3), 9), (7, 5)) == 9).all()


def test_unknown_upsampler_is_named_with_the_known_ones() -> None:
    settings = Upsampling().model_copy(update={"upsampler": "bicubic"})
    with pytest.raises(InputError, match=r"'bicubic'.*; known: modulation, nearest, bilinear"):
        make_upsampler(settings, NO_MODEL)
    assert set(UPSAMPLERS) == {"nearest", "bilinear", "modulation", "joint-bilateral", "guided-filter", "learned"}


class NoisyClip(ArrayClip):
    """A clip of noise, [n, 64, 96]."""

    def frames(self, indices: Any) -> Frames:
        pictures = [np.random.default_rng(i).integers(0, 256, (64, 96, 3), np.uint8) for i in indices]
        return np.stack(pictures)


@pytest.fixture(scope="module")
def modulation(tmp_path_factory: pytest.TempPathFactory) -> MaskedModulation:
    folder = save_embedded(tmp_path_factory.mktemp("models") / "embedded")
    backbone = load_backbone(BackboneSpec(name="tiny", path=str(folder)), torch.device("cpu"))
    return MaskedModulation(Upsampling(sampling=Sampling(guidance=1)), resources(backbone, 0.1))


def test_modulation_keeps_to_the_labels_of_each_frame(modulation: MaskedModulation) -> None:
    clip = NoisyClip("a", [np.zeros((64, 96), np.uint8)] * 3)
    coarse = np.zeros((3, 8, 12), np.uint8)
    coarse[0] = 255
    coarse[1, :, 6:] = 4
    coarse[2, 2:6, 3:9], coarse[2, 6:, 9:] = 6, 255
    maps = modulation.upsample(clip, [Row(i, i) for i in range(3)], coarse)
    assert maps.shape == (3, 64, 96) and maps.dtype == np.uint8
    assert [set(np.unique(m).tolist()) for m in maps[:2]] == [{255}, {0, 4}]
    assert set(np.unique(maps[2]).tolist()) <= {0, 6, 255}
    for index in range(3):
        alone = modulation.upsample(clip, [Row(index, index)], coarse[index : index + 1])
        np.testing.assert_array_equal(alone[0], maps[index])


def test_label_maps_are_the_same_where_memory_runs_out(
    modulation: MaskedModulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU that holds four passes, as it seems: fewer run at once, down to what fits."""
    clip = NoisyClip("a", [np.zeros((64, 96), np.uint8)] * 2)
    coarse = np.random.default_rng(0).integers(0, 3, (2, 8, 12)).astype(np.uint8)
    rows = [Row(0, 0), Row(1, 1)]
    expected = modulation.upsample(clip, rows, coarse)
    real, calls = modulation.backbone.denoise_modulated, []

    def limited(plain: Any, frames: torch.Tensor, *more: Any) -> torch.Tensor:
        calls.append(len(frames))
        if len(frames) > 4:
            raise torch.cuda.OutOfMemoryError("out of memory")
        return real(plain, frames, *more)

    monkeypatch.setattr(modulation.backbone, "denoise_modulated", limited)
    generous = MaskedModulation(modulation.settings, resources(modulation.backbone, 100.0))
    np.testing.assert_array_equal(generous.upsample(clip, rows, coarse), expected)
    assert calls[:3] == [12, 6, 4] and max(calls[2:]) <= 4 and len(np.unique(expected)) == 3


def test_modulation_of_a_block_without_attention_is_refused(modulation: MaskedModulation) -> None:
    settings = Upsampling(sampling=Sampling(guidance=1), modulation=Modulation(block=1))
    with pytest.raises(InputError, match="block 1 has no attention"):
        make_upsampler(settings, resources(modulation.backbone, 1.0))
