"""Shortcuts of masked modulation: what they must keep, against independent computations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import Tensor, nn

from literal_pass import Literal
from parity_set import SD_SCHEDULE, relative
from small_models import save_embedded
from test_fast_path import CONTEXT, FRAMES, HEIGHT, TOKENS, WIDTH, Case, make_unet
from training_processes import training_processes
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.sampling import clean_latent, euler_step
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.method import difference
from zeroshot_vss.method.context import carry_labels, principal_components
from zeroshot_vss.method.modulation import label_maps
from zeroshot_vss.method.pairs import Pair, packed, pairs_of, segments_of
from zeroshot_vss.method.shortcuts import decode_regions, group_apart, regions, territories
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation, Upsampling

COARSE = arrays.arrays(np.int64, (2, 6, 9), elements=st.integers(0, 5))
START = 7


def small_backbone() -> tuple[ImageDiffusion, Tensor]:
    """A random backbone with a convolutional VAE, and the start of two frames."""
    torch.manual_seed(5)
    vae = AutoencoderTiny(
        encoder_block_out_channels=(4, 4), decoder_block_out_channels=(4, 4), num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1), latent_channels=4,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(3)
    contexts = torch.randn(2, TOKENS, CONTEXT, generator=generator)
    backbone = ImageDiffusion("random", make_unet(Case(7)), vae, SD_SCHEDULE, contexts[1], contexts[0])
    return backbone, torch.randn(FRAMES, 4, HEIGHT, WIDTH, generator=generator)


def modulation(step: int = START, **more: Any) -> Modulation:
    return Modulation.model_validate({"block": 7, "step": step, "strength": 20, "blend_through": 8, **more})


# One step


@pytest.mark.parametrize("step", [0, 7, 9])
def test_the_clean_latent_is_where_the_predicted_noise_is_gone(step: int) -> None:
    backbone, _ = small_backbone()
    schedule = backbone.schedule(10)
    clean, noise = torch.randn(2, 4, 3, 5), torch.randn(2, 4, 3, 5)
    noised = clean + schedule.sigmas[step] * noise
    assert relative(clean_latent(noised, euler_step(noised, noise, schedule, step), schedule, step), clean) < 1e-5


def test_at_the_last_step_one_step_is_all_there_is() -> None:
    backbone, start = small_backbone()
    frames, masks = torch.tensor([0, 1]), torch.rand(2, HEIGHT // 2, WIDTH // 2) < 0.4
    actual = []
    for one_step in (False, True):
        chosen = modulation(9, blend_through=9, one_step=one_step)
        plain = backbone.denoise(Start(start), Sampling(steps=10, start=9), [], chosen)
        actual.append(backbone.denoise_modulated(plain, frames, masks, torch.tensor([20.0, -20.0]), chosen))
    assert relative(actual[1], actual[0]) < 1e-5


def test_one_step_goes_on_from_the_literal_pass() -> None:
    """A literal pass whose schedule ends at sigma 0 after the modulated step."""
    backbone, start = small_backbone()
    chosen = modulation(one_step=True)
    frames, masks = torch.tensor([1, 0]), torch.rand(2, HEIGHT // 2, WIDTH // 2) < 0.4
    strengths = torch.tensor([20.0, -20.0])
    sampling = Sampling(steps=10, start=START, guidance=5.0)
    plain = backbone.denoise(Start(start), sampling, [], chosen)
    assert max(plain.states) == START, "steps after the modulated one are not needed"
    actual = backbone.denoise_modulated(plain, frames, masks, strengths, chosen)

    schedule = backbone.schedule(10)
    contexts = backbone.contexts
    sigmas = schedule.sigmas[: START + 2].clone()
    sigmas[-1] = 0
    literal = Literal(backbone.unet, sigmas, schedule.timesteps[: START + 1], contexts, 5.0)
    trace = literal.plain(start, START)
    expected = literal.modulated(trace, frames, masks, strengths, modulation())
    assert relative(actual, expected) < 1e-4
    assert relative(expected, trace.states[START][frames]) > 1e-2


# Several masks in a pass


@settings(max_examples=60, deadline=None)
@given(COARSE, st.integers(1, 6))
def test_masks_of_a_group_are_apart(maps: np.ndarray, apart: int) -> None:
    labels = np.unique(maps).tolist()
    groups = group_apart(maps, labels, apart)
    assert sorted(label for group in groups for label in group) == labels
    for group in groups:
        for a in group:
            for b in group:
                for frame in maps:
                    first, second = np.argwhere(frame == a), np.argwhere(frame == b)
                    if a != b and len(first) and len(second):
                        away = np.linalg.norm(first[:, None] - second[None], axis=-1).min()
                        assert away >= apart - 1e-9


@settings(max_examples=60, deadline=None)
@given(COARSE)
def test_a_territory_holds_the_cells_nearest_to_its_mask(maps: np.ndarray) -> None:
    labels = np.unique(maps[0])[:3]
    masks = np.stack([maps[0] == label for label in labels])
    actual = territories(masks)
    assert (actual.sum(0) == 1).all()
    cells = np.argwhere(np.ones(masks.shape[1:]))
    away = np.stack([
        np.linalg.norm(cells[:, None] - np.argwhere(mask)[None], axis=-1).min(1).reshape(mask.shape) for mask in masks
    ])  # fmt: skip
    assert (away[actual.argmax(0), *np.indices(masks.shape[1:])] <= away.min(0) + 1e-9).all()


@settings(max_examples=40, deadline=None)
@given(COARSE)
def test_packed_pairs_show_the_segments_of_single_ones(maps: np.ndarray) -> None:
    single = pairs_of(maps)
    together = packed(single, maps, 2)
    assert len(together) <= len(single)
    for pairs in (single, together):
        actual = segments_of(pairs, maps)
        assert sorted((s.label, s.frame) for s in actual) == sorted((p.label, p.frames[0]) for p in single)
        assert [s.label for s in actual] == sorted(s.label for s in actual)
    for segment in segments_of(together, maps):
        assert segment.territory is None or segment.territory[maps[segment.frame] == segment.label].all()


def test_masks_far_apart_share_a_pass() -> None:
    maps = np.zeros((1, 4, 12), np.int64)
    maps[0, :, 5:7], maps[0, :, 7:] = 1, 2
    # 0 and 2 are three cells from each other, 1 touches both.
    assert packed(pairs_of(maps), maps, 3) == [Pair(0, (0,), (2,)), Pair(1, (0,))]
    assert packed(pairs_of(maps), maps, 4) == pairs_of(maps)


def test_ties_fall_to_the_smallest_label_in_any_order() -> None:
    maps = torch.rand(3, 1, 5, 6, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    actual = []
    for order in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        best = difference.RunningArgmax(1, 5, 6, 9, torch.device("cpu"), torch.float32)
        for label in order:
            best.update(label, torch.tensor([0]), maps[label])
        actual.append(best.labels)
    assert torch.equal(actual[0], maps[:, 0].argmax(0)[None].to(actual[0].dtype))
    assert torch.equal(actual[0], actual[1]) and torch.equal(actual[0], actual[2])


# Decoding regions


@settings(max_examples=60, deadline=None)
@given(arrays.arrays(bool, (2, 6, 9)), st.integers(0, 5))
def test_regions_hold_their_masks_and_the_halo(masks: np.ndarray, halo: int) -> None:
    size = (12, 18)
    for mask, (rows, columns) in zip(masks, regions(masks, size, halo), strict=True):
        for part, side in ((rows, size[0]), (columns, size[1])):
            assert 0 <= part.start < part.stop <= side
            assert (part.stop - part.start) % 8 == 0 or part.stop - part.start == side
        wanted = np.argwhere(np.kron(mask, np.ones((2, 2))))
        if len(wanted):
            low, high = wanted.min(0) - halo, wanted.max(0) + halo
            assert max(low[0], 0) >= rows.start and min(high[0], size[0] - 1) < rows.stop
            assert max(low[1], 0) >= columns.start and min(high[1], size[1] - 1) < columns.stop


def test_a_halo_as_wide_as_the_decoder_sees_changes_nothing_inside() -> None:
    torch.manual_seed(0)
    layers = (nn.Conv2d(4, 6, 3, padding=1), nn.ReLU(), nn.Upsample(scale_factor=2), nn.Conv2d(6, 3, 3, padding=1))
    decoder = nn.Sequential(*layers).requires_grad_(False)
    masks = np.zeros((2, 8, 12), bool)
    masks[0, 2:4, 3:5], masks[1, 6:, 10:] = True, True
    latents = torch.randn(4, 4, 16, 24)
    plus, minus = decode_regions(decoder, latents, masks, halo=2)
    whole = decoder(latents)
    for index, (rows, columns) in enumerate(regions(masks, (16, 24), 2)):
        inside = np.kron(masks[index], np.ones((4, 4))).astype(bool)
        assert rows.stop - rows.start < 16
        for actual, expected in ((plus[index], whole[index]), (minus[index], whole[index + 2])):
            assert torch.allclose(actual[:, inside], expected[:, inside], atol=1e-5)
            outside = np.ones(actual.shape[-2:], bool)
            outside[2 * rows.start : 2 * rows.stop, 2 * columns.start : 2 * columns.stop] = False
            assert (actual[:, outside] == 0).all()


@pytest.mark.parametrize("difference_kind", ["float", "wrapped-8-bit"])
def test_wide_shortcuts_are_the_exact_mode(difference_kind: str) -> None:
    """A halo that holds the frame, and masks that are never far enough apart."""
    backbone, start = small_backbone()
    maps = np.random.default_rng(1).integers(0, 3, (FRAMES, 2, 3)).repeat(4, 1).repeat(4, 2)
    sampling = Sampling(steps=10, start=START)
    actual = []
    for halo, apart in ((None, None), (100, 100)):
        chosen = Upsampling(
            modulation=modulation(apart=apart), halo=halo, sampling=sampling,
            difference=difference_kind,  # pyright: ignore[reportArgumentType]
        )  # fmt: skip
        plain = backbone.denoise(Start(start), sampling, [], chosen.modulation)
        actual.append(label_maps(backbone, plain, maps, (34, 50), chosen, budget=0.1))
    assert (actual[0] == actual[1]).mean() > 0.999
    assert len(np.unique(actual[0])) > 1


# The tiny decoder


def test_a_tiny_decoder_is_asked_for_and_taken(tmp_path: Path) -> None:
    model = save_embedded(tmp_path / "model")
    spec = BackboneSpec(name="small", path=str(model))
    backbone = load_backbone(spec, torch.device("cpu"))
    with pytest.raises(InputError, match="backbone 'small' has no tiny decoder; set backbones: small: tiny_decoder:"):
        backbone.check(Sampling(guidance=1), [7], tiny=True)
    torch.manual_seed(1)
    channels = backbone.latent_shape(64, 64)[0]
    levels: dict[str, Any] = {"encoder_block_out_channels": (4, 4, 4), "decoder_block_out_channels": (4, 4, 4),
              "num_encoder_blocks": (1, 1, 1), "num_decoder_blocks": (1, 1, 1)}  # fmt: skip
    tiny = AutoencoderTiny(**levels, latent_channels=channels, scaling_factor=0.5)
    tiny.save_pretrained(tmp_path / "tiny")
    spec = BackboneSpec(name="small", path=str(model), tiny_decoder=str(tmp_path / "tiny"))
    backbone = load_backbone(spec, torch.device("cpu"))
    backbone.check(Sampling(guidance=1), [7], tiny=True)
    latents = torch.randn(3, *backbone.latent_shape(64, 96))
    with torch.inference_mode():
        expected = tiny.decode(latents / 0.5, return_dict=False)[0]
    assert torch.allclose(backbone.decode(latents, tiny=True), expected, atol=1e-5)
    assert not torch.allclose(backbone.decode(latents), expected, atol=1e-2)

    AutoencoderTiny(**levels, latent_channels=channels + 1).save_pretrained(tmp_path / "wide")
    with pytest.raises(InputError, match="the tiny decoder's latents have 5 channels, the model's 4"):
        load_backbone(spec.model_copy(update={"tiny_decoder": str(tmp_path / "wide")}), torch.device("cpu"))
    with pytest.raises(InputError, match=r"there is no folder .*/nothing"):
        load_backbone(spec.model_copy(update={"tiny_decoder": str(tmp_path / "nothing")}), torch.device("cpu"))


def test_a_tiny_decoder_learns_from_the_autoencoder(tmp_path: Path) -> None:
    from zeroshot_vss.training import run
    from zeroshot_vss.training.settings import TinyDecoderSettings

    chosen = TinyDecoderSettings(clips=2, frames_per_clip=2, clip_length=4, channels=6, steps=30, batch=4, crop=32,
                                 processes=1)  # fmt: skip
    image = Path(__file__).parent.parent / "models" / "scenes-tiny"
    with training_processes():
        run.train_decoder(image, tmp_path / "out", tmp_path / "work", chosen)
    assert json.loads((tmp_path / "out" / "training.json").read_text()) == chosen.model_dump()
    lines = (tmp_path / "out" / "training-log.csv").read_text().splitlines()
    first, last = (float(line.split(",")[3]) for line in (lines[1], lines[-1]))
    assert last < 0.7 * first
    made = AutoencoderTiny.from_pretrained(tmp_path / "out", torch_dtype=torch.float32)
    known = AutoencoderTiny.from_pretrained(image / "vae", torch_dtype=torch.float32)
    pixels = torch.rand(1, 3, 32, 32) * 2 - 1
    assert torch.allclose(made.encoder(pixels), known.encoder(pixels), atol=1e-2)


# Principal components


def nearest_labels(training: np.ndarray, labels: np.ndarray, tokens: np.ndarray) -> np.ndarray:
    """The label of the nearest token."""
    return labels[((tokens[:, None] - training[None]) ** 2).sum(-1).argmin(1)]


def test_all_components_keep_the_distances() -> None:
    rng = np.random.default_rng(0)
    tokens = rng.normal(size=(3, 4, 5, 6)).astype(np.float32)
    project = principal_components(tokens[0].reshape(-1, 6), 6, seed=1)
    shown = project(tokens)
    assert shown.shape == tokens.shape and shown.dtype == np.float32
    flat, turned = tokens.reshape(-1, 6), shown.reshape(-1, 6)
    before, after = (((t[:, None] - t[None]) ** 2).sum(-1) for t in (flat, turned))
    assert np.allclose(before, after, atol=1e-4)


def test_components_keep_what_varies() -> None:
    """Tokens of two groups that lie far apart in one direction: one component tells them apart."""
    rng = np.random.default_rng(0)
    side = rng.integers(0, 2, 60)
    tokens = (np.outer(side - 0.5, rng.normal(size=8)) * 10 + rng.normal(size=(60, 8)) * 0.1).astype(np.float32)
    shown = principal_components(tokens, 1, seed=1)(tokens)
    assert (nearest_labels(shown[:30], side[:30], shown[30:]) == side[30:]).all()


class Recorder:
    """A classifier that keeps the width of what it sees."""

    def __init__(self) -> None:
        self.widths: set[int] = set()

    def fit(self, X: np.ndarray, y: np.ndarray, /) -> None:
        self.widths.add(X.shape[1])

    def predict(self, X: np.ndarray, /) -> np.ndarray:
        self.widths.add(X.shape[1])
        return np.zeros(len(X), int)


def test_the_classifier_sees_the_components() -> None:
    tokens = np.random.default_rng(0).normal(size=(2, 4, 5, 6)).astype(np.float32)
    project, seen = principal_components(tokens[0].reshape(-1, 6), 2, seed=1), Recorder()
    list(carry_labels(map(project, [tokens, tokens]), np.zeros((4, 5), int), seen, lambda _, maps: maps))
    assert seen.widths == {2}
