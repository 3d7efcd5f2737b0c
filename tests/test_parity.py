"""Our method against what the authors' released code computes with a small random-weight model, step by step."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from literal_pass import Literal
from parity_set import (
    AGGREGATED,
    RUNS,
    SIGNS,
    RecordingDiffusion,
    arrays,
    coarse_maps,
    load_backbone,
    matching,
    modulation,
    needs_parity,
    plain_pass,
    query_keys,
    relative,
    sampler,
    sampling,
    tensor,
)
from zeroshot_vss.backbones.base import PlainPass
from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.method import difference
from zeroshot_vss.method.batches import cut
from zeroshot_vss.method.context import Labels, assign_labels, carry_labels, cluster, normalise_tokens
from zeroshot_vss.method.correspondence import pair_matches, released_tracks, vote_along_matches, vote_along_tracks
from zeroshot_vss.method.latents import to_network_size
from zeroshot_vss.method.modulation import label_maps, modulated_images
from zeroshot_vss.method.pairs import pairs_of, segments_of
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.upsampling import Upsampling

pytestmark = needs_parity

BATCHES = (0, 1)
COARSE = ("coarse", "coarse_block7_rs0")
SYNTHETIC = ("cbr_synth", "cbr_synth_static")
FILTERS = {"": None, "_f07": 0.7}
TOLERANCE = 1e-4
"""Relative, for everything that passes through a network."""
GIB = 2.0


@pytest.fixture(scope="module")
def backbone() -> RecordingDiffusion:
    return load_backbone()


@pytest.fixture(scope="module")
def plains(backbone: RecordingDiffusion) -> dict[int, tuple[PlainPass, list[Any]]]:
    """The unmodulated pass of each batch with its network calls."""
    last = [(block, sampling().steps - 1) for block in AGGREGATED]
    return {batch: plain_pass(backbone, batch, {*query_keys(batch), *last}) for batch in BATCHES}


def frames_u8(batch: int) -> NDArray[np.uint8]:
    return np.rint((arrays(sampler(batch))["frames_in"] + 1) * 127.5).astype(np.uint8).transpose(0, 2, 3, 1)


def conditional(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features[len(features) // 2 :]


# The networks and the schedule


def test_autoencoder(backbone: RecordingDiffusion) -> None:
    stored = arrays("network_io")
    scale = backbone.vae.config.scaling_factor
    assert scale == pytest.approx(float(arrays("sampler")["scale_factor"]))
    decoded = backbone.decode(tensor("network_io", "vae_z") * scale)
    assert relative(decoded, stored["vae_decoded"]) < TOLERANCE
    with torch.inference_mode():
        moments = backbone.vae.encode(tensor("network_io", "vae_img")).latent_dist.parameters
    assert relative(moments, stored["vae_moments"]) < TOLERANCE


def test_network(backbone: RecordingDiffusion) -> None:
    x, c, t, out = (tensor("network_io", f"unet_{name}") for name in ("x", "c", "t", "out"))
    with torch.inference_mode():
        assert relative(backbone.unet(x, t, encoder_hidden_states=c).sample, out) < TOLERANCE


def test_schedule(backbone: RecordingDiffusion) -> None:
    stored = arrays("sampler")
    schedule = backbone.schedule(len(stored["timesteps"]))
    assert np.array_equal(schedule.timesteps.numpy(), stored["timesteps"])
    assert np.allclose(schedule.sigmas.numpy(), stored["sigmas"], rtol=1e-5, atol=0)


@pytest.mark.parametrize("batch", BATCHES)
def test_start(backbone: RecordingDiffusion, batch: int) -> None:
    stored = arrays(sampler(batch))
    scale = float(arrays("sampler")["scale_factor"])
    assert relative(backbone.encode(frames_u8(batch), None) / scale, stored["posterior_mean"]) < TOLERANCE
    latents = backbone.encode(frames_u8(batch), tensor(sampler(batch), "posterior_noise"))
    assert relative(latents, stored["z0"]) < TOLERANCE
    start = backbone.add_noise(tensor(sampler(batch), "z0"), tensor(sampler(batch), "eps"), sampling())
    assert relative(start, stored["x_start"]) < 1e-5


# The unmodulated pass


@pytest.mark.parametrize("batch", BATCHES)
def test_states(plains: dict[int, tuple[PlainPass, list[Any]]], batch: int) -> None:
    plain, _calls = plains[batch]
    steps = [step for (step,) in matching(sampler(batch), r"x_after_(\d+)")]
    assert steps[-1] == sampling().steps - 1
    for step in steps:
        assert relative(plain.states[step], arrays(sampler(batch))[f"x_after_{step}"]) < TOLERANCE, step


def test_network_calls(plains: dict[int, tuple[PlainPass, list[Any]]]) -> None:
    stored = arrays("sampler")
    calls = dict(enumerate(plains[0][1], start=sampling().start))
    for (step,) in matching("sampler", r"net_in_(\d+)"):
        assert relative(calls[step].inputs, stored[f"net_in_{step}"]) < TOLERANCE, step
    for (step,) in matching("sampler", r"net_t_(\d+)"):
        assert (stored[f"net_t_{step}"] == calls[step].timestep.item()).all(), step
    for (step,) in matching("sampler", r"net_out_(\d+)"):
        assert relative(calls[step].output, stored[f"net_out_{step}"]) < TOLERANCE, step


@pytest.mark.parametrize("batch", BATCHES)
def test_features(plains: dict[int, tuple[PlainPass, list[Any]]], batch: int) -> None:
    keys = query_keys(batch)
    assert keys
    for block, step in keys:
        stored = arrays(f"features_batch{batch}")[f"b{block}_self_q_t{step}"]
        assert relative(plains[batch][0].queries[block, step], conditional(stored)) < TOLERANCE, (block, step)


@pytest.mark.parametrize("batch", BATCHES)
def test_aggregated_features(plains: dict[int, tuple[PlainPass, list[Any]]], batch: int) -> None:
    queries = plains[batch][0].queries
    mean = torch.stack([queries[block, sampling().steps - 1] for block in AGGREGATED]).mean(0)
    assert relative(mean, conditional(arrays("coarse")[f"b{batch}_features"])) < TOLERANCE


def test_decoded_unmodulated(backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]]) -> None:
    final = plains[0][0].states[sampling().steps - 1]
    assert relative(backbone.decode(final[:1])[0], arrays("sampler")["decoded_unmodulated_frame0"]) < TOLERANCE


# Modulated passes


def run_of(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], run: str, index: int, sign: str
) -> tuple[Tensor, Tensor]:
    """Final latents and the network's first output, for all frames with the mask of one label."""
    masks = tensor("modulation", "masks")[index]
    settings = modulation(run)
    strengths = torch.full((len(masks),), SIGNS[sign] * settings.strength)
    return backbone.modulated(plains[0][0], torch.arange(len(masks)), masks, strengths, settings)


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize("run", RUNS)
def test_modulated_latents(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], run: str, sign: str
) -> None:
    stored = arrays("modulation")
    step = sampling().start
    scale = float(arrays("sampler")["cfg_scale"])
    sigmas = arrays("sampler")["sigmas"]
    start = tensor("sampler", "x_start")
    for index, label in enumerate(stored["labels"]):
        final, (unconditional, guided) = run_of(backbone, plains, run, index, sign)
        name = f"{run}_label{label}_{sign}"
        assert relative(final, stored[f"{name}_final"]) < TOLERANCE, name
        # The state before blending, from what the network answered at the modulated step.
        epsilon = unconditional + scale * (guided - unconditional)
        before = start + float(sigmas[step + 1] - sigmas[step]) * epsilon
        assert relative(before, stored[f"{name}_x_after_{step}_preblend"]) < TOLERANCE, name
        output = stored.get(f"{run}_first_label_{sign}_net_out_{step}")
        if index == 0 and output is not None:
            assert relative(torch.cat([unconditional, guided]), output) < TOLERANCE, name


@pytest.mark.parametrize("run", RUNS)
def test_modulated_images(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], run: str
) -> None:
    stored = arrays("modulation")
    kept = torch.from_numpy(stored["u8_frames"])
    for index, label in enumerate(stored["labels"]):
        for sign in SIGNS:
            name = f"{run}_label{label}_{sign}"
            final, _output = run_of(backbone, plains, run, index, sign)
            actual = difference.to_8_bit(backbone.decode(final[kept])).numpy().astype(int)
            assert np.abs(actual - stored[f"{name}_u8"].astype(int)).max() <= 1, name
            if f"{name}_decoded_f0" in stored:
                assert relative(backbone.decode(final[:1])[0], stored[f"{name}_decoded_f0"]) < TOLERANCE, name


@pytest.mark.parametrize("run", ["A", "D"])
def test_fast_passes_are_the_literal_ones(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], run: str
) -> None:
    """lambda M added to the cross-attention output of every frame; both signs in turn, to halve the work."""
    schedule = backbone.schedule(sampling().steps)
    contexts = torch.stack([tensor("sampler", "context_uncond"), tensor("sampler", "context_cond")])
    scale = float(arrays("sampler")["cfg_scale"])
    literal = Literal(backbone.unet, schedule.sigmas, schedule.timesteps, contexts, scale)
    masks = tensor("modulation", "masks")[0]
    frames = torch.arange(len(masks))
    settings = modulation(run)
    strengths = settings.strength * torch.where(frames % 2 == 0, 1.0, -1.0)
    trace = literal.plain(tensor("sampler", "x_start"), sampling().start)
    expected = literal.modulated(trace, frames, masks, strengths, settings)
    actual = backbone.denoise_modulated(plains[0][0], frames, masks, strengths, settings)
    assert relative(actual, expected) < TOLERANCE


# Coarse maps


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("name", COARSE)
def test_tokens(name: str, batch: int) -> None:
    stored = arrays(name)
    features = conditional(stored[f"b{batch}_features"])
    actual = normalise_tokens(features.reshape(-1, features.shape[-1]))
    assert np.allclose(actual, stored[f"b{batch}_feat_out"], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", COARSE)
def test_clusters(name: str) -> None:
    stored = arrays(name)
    tokens, labels = stored["b0_feat_out"], stored["b0_kmeans_labels_all"].ravel()
    centres = stored["b0_kmeans_centers"]
    actual: Any = cluster(tokens, len(centres), seed=0, start=centres)
    # A fit may have ended a little before its fixed point; then some tokens still change.
    assert actual.inertia_ <= float(stored["b0_kmeans_inertia"]) * (1 + 1e-6)
    assert (actual.labels_ == labels).mean() > 0.99
    means = np.stack([tokens[labels == index].mean(0) for index in range(len(centres))])
    if np.allclose(means, centres, atol=1e-5):
        assert np.array_equal(actual.labels_, labels)


@pytest.mark.parametrize("name", COARSE)
def test_labels_of_clusters(name: str) -> None:
    stored = arrays(name)
    actual = assign_labels(stored["b0_kmeans_labels_frame0"], arrays("coarse")["gt_map"])
    assert np.array_equal(actual, stored["b0_voted_frame0"])
    assert np.array_equal(np.unique(actual), stored["b0_unique_out"])


@pytest.mark.parametrize("name", COARSE)
def test_classified_maps(name: str) -> None:
    stored = arrays(name)
    first = stored["b0_voted_frame0"]
    knn = LabelClassifier("knn", {}, seed=0).fit(stored["b0_feat_out"][: first.size], first.ravel())
    assert np.array_equal(knn.predict(stored["b0_feat_out"]), stored["b0_labels_out"].ravel())
    knn = LabelClassifier("knn", {}, seed=0).fit(stored["b1_ref_feat_in"], stored["b1_ref_mask_in"].ravel())
    assert np.array_equal(knn.predict(stored["b1_feat_out"]), stored["b1_labels_out"].ravel())


@pytest.mark.parametrize("name", COARSE)
def test_both_batches_in_turn(name: str) -> None:
    """The whole loop; the variant of one block has no refinement between the batches."""
    stored = arrays(name)
    shape = stored["b0_labels_out"].shape
    tokens = [stored[f"b{batch}_feat_out"].reshape(*shape, -1) for batch in BATCHES]

    def refine(number: int, labels: Labels) -> Labels:
        assert np.array_equal(labels, stored[f"b{number}_labels_out"])
        if name != "coarse":
            return labels
        features = conditional(arrays("cbr")[f"b{number}_feat"])
        return vote_along_tracks(labels, released_tracks(torch.from_numpy(features)))

    refined = list(carry_labels(tokens, stored["b0_voted_frame0"], LabelClassifier("knn", {}, seed=0), refine))
    assert np.array_equal(refined[0], stored["b1_ref_mask_in"])
    if name == "coarse":
        for batch in BATCHES:
            assert np.array_equal(refined[batch], arrays("cbr")[f"b{batch}_maps_out"])
            assert np.array_equal(refined[batch], coarse_maps(batch))


def test_shifted_batches() -> None:
    batches = [arrays("coarse")[f"frames_batch{batch}"].tolist() for batch in BATCHES]
    assert cut(batches[-1][-1] + 1, Batches(size=len(batches[0]), last="shifted")) == batches


# Correspondence


def correspondence_cases() -> list[Any]:
    return [("cbr", f"b{batch}_", f"b{batch}_feat") for batch in BATCHES] + [(n, "", "feat_cond") for n in SYNTHETIC]


@pytest.mark.parametrize(("name", "prefix", "features"), correspondence_cases())
def test_refinement(name: str, prefix: str, features: str) -> None:
    stored = arrays(name)
    tokens = torch.from_numpy(stored[features] if features == "feat_cond" else conditional(stored[features]))
    maps = stored[f"{prefix}maps_in"]
    grid = maps.shape[1], maps.shape[2]

    def cells(row: NDArray[np.integer], column: NDArray[np.integer]) -> NDArray[np.integer]:
        return row * grid[1] + column

    matches = pair_matches(tokens, grid, None)
    nearest = stored[f"{prefix}pair_nn"]
    assert np.array_equal(matches, cells(nearest[:, 0], nearest[:, 1]))
    assert np.array_equal(vote_along_matches(maps, matches), stored[f"{prefix}paper_maps_out"])
    chained = [np.arange(maps[0].size)]
    for match in matches:
        chained.append(match[chained[-1]])
    plain = cells(stored[f"{prefix}noaux_traj_h"], stored[f"{prefix}noaux_traj_w"])
    assert np.array_equal(np.stack(chained), plain)

    tracks = released_tracks(tokens)
    assert np.array_equal(tracks, cells(stored[f"{prefix}traj_h"], stored[f"{prefix}traj_w"]))
    assert np.array_equal(vote_along_tracks(maps, tracks), stored[f"{prefix}maps_out"])


# Label maps


@pytest.mark.parametrize("batch", BATCHES)
def test_masks(batch: int) -> None:
    stored = arrays(f"difference_batch{batch}")
    expected = stored["mask_lanczos"]
    for masks, resized in zip(stored["coarse_masks"], expected, strict=True):
        some = torch.from_numpy(masks[: len(resized)] // 255)
        actual = difference.resize_masks(some, (resized.shape[1], resized.shape[2])).numpy()
        assert np.array_equal(actual.astype(resized.dtype), resized)


def argmax_of(
    batch: int, maps: Tensor, strength: float | None, dtype: torch.dtype = torch.float32
) -> NDArray[np.integer]:
    """Label map from normalised maps [L, F, H, W], through the filter and the running argmax."""
    stored = arrays(f"difference_batch{batch}")
    height, width = maps.shape[-2:]
    best = difference.RunningArgmax(maps.shape[1], height, width, -1, maps.device, dtype)
    frames = torch.arange(maps.shape[1])
    for label, masks, offered in zip(stored["labels"], stored["coarse_masks"], maps, strict=True):
        resized = difference.resize_masks(torch.from_numpy(masks // 255), (height, width))
        filtered = offered if strength is None else difference.filter_maps(offered, resized, strength)
        best.update(int(label), frames, filtered)
    return best.labels.numpy()


@pytest.mark.parametrize("suffix", FILTERS)
@pytest.mark.parametrize("batch", BATCHES)
def test_labels_from_stored_maps(batch: int, suffix: str) -> None:
    stored = arrays(f"difference_batch{batch}")
    maps = torch.stack([difference.normalise_stored(torch.from_numpy(m)) for m in stored["lit_jpg"]])
    actual = argmax_of(batch, maps, FILTERS[suffix], torch.float64)
    assert np.array_equal(actual, stored[f"lit_labels{suffix}"])


def stored_pair(index: int) -> tuple[Tensor, Tensor]:
    """The released code's 8-bit images of a label, [F, 3, H, W]."""
    stored = arrays("difference_batch0")
    plus, minus = (torch.from_numpy(stored[f"img_{name}"][index]).permute(0, 3, 1, 2) for name in ("plus", "minus"))
    return plus, minus


def test_wrapped_difference() -> None:
    stored = arrays("difference_batch0")
    for index, (blurred, jpg) in enumerate(zip(stored["lit_diff_blurred"], stored["lit_jpg"], strict=True)):
        actual = difference.blur(difference.wrapped_difference(*stored_pair(index)))
        assert np.allclose(actual[: len(blurred)].numpy(), blurred, rtol=0, atol=1e-4)
        # Encoders differ a little in their arithmetic.
        kept = difference.store_8_bit(actual).numpy().astype(int)
        assert np.abs(kept - jpg.astype(int)).mean() < 1


@pytest.mark.parametrize("suffix", FILTERS)
def test_labels_from_8_bit_images_without_wrapping(suffix: str) -> None:
    stored = arrays("difference_batch0")
    pairs = [stored_pair(index) for index in range(len(stored["labels"]))]
    maps = [difference.blur(difference.colour_difference(plus.float(), minus.float())) for plus, minus in pairs]
    actual = argmax_of(0, torch.stack([difference.normalise(m) for m in maps]), FILTERS[suffix])
    # Without a stored margin, only equal values may fall the other way.
    assert (actual != stored[f"u8nowrap_labels{suffix}"]).mean() < 1e-4


def test_8_bit_images(backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]]) -> None:
    stored = arrays("difference_batch0")
    maps = coarse_maps(0)
    labels = stored["labels"].tolist()
    pairs = pairs_of(maps)
    for chunk, *signed in modulated_images(backbone, plains[0][0], maps, pairs, modulation("A"), len(pairs)):
        segments = segments_of(chunk, maps)
        shown = [s.image for s in segments]
        assert sorted(shown) == list(range(len(chunk)))
        for name, images in zip(("img_plus", "img_minus"), signed, strict=True):
            actual = difference.to_8_bit(images[shown]).permute(0, 2, 3, 1).numpy().astype(int)
            expected = np.stack([stored[name][labels.index(s.label), s.frame] for s in segments])
            assert np.abs(actual - expected.astype(int)).max() <= 1


@pytest.mark.parametrize("batch", BATCHES)
def test_float_differences(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], batch: int
) -> None:
    stored = arrays(f"difference_batch{batch}")
    expected = stored["float_diff_blurred"]
    size = expected.shape[-2], expected.shape[-1]
    maps = coarse_maps(batch)
    labels = stored["labels"].tolist()
    pairs = [pair for pair in pairs_of(maps) if max(pair.frames) < expected.shape[1]]
    for chunk, plus, minus in modulated_images(backbone, plains[batch][0], maps, pairs, modulation("A"), len(pairs)):
        segments = segments_of(chunk, maps)
        shown = [s.image for s in segments]
        assert sorted(shown) == list(range(len(chunk)))
        actual = difference.normalised_difference(plus[shown], minus[shown], size).numpy()
        # Ours is normalised; the stored map is not.
        wanted = np.stack([expected[labels.index(s.label), s.frame] for s in segments])
        assert relative(actual, wanted / wanted.max((1, 2), keepdims=True)) < TOLERANCE


@pytest.mark.parametrize("suffix", FILTERS)
@pytest.mark.parametrize("batch", BATCHES)
def test_float_labels(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], batch: int, suffix: str
) -> None:
    stored = arrays(f"difference_batch{batch}")
    expected = stored[f"float_labels{suffix}"]
    settings = Upsampling(modulation=modulation("A"), filter=FILTERS[suffix], sampling=sampling())
    size = expected.shape[1], expected.shape[2]
    actual = label_maps(backbone, plains[batch][0], coarse_maps(batch), size, settings, GIB)
    clear = stored[f"float_margin{suffix}"] > 1e-4
    assert clear.any()
    assert np.array_equal(actual[clear], expected[clear])


@pytest.mark.parametrize("suffix", FILTERS)
@pytest.mark.parametrize("batch", BATCHES)
def test_wrapped_labels(
    backbone: RecordingDiffusion, plains: dict[int, tuple[PlainPass, list[Any]]], batch: int, suffix: str
) -> None:
    """From end to end; a value that falls to another 8-bit number changes few labels, wrapping changes many."""
    stored = arrays(f"difference_batch{batch}")
    expected = stored[f"lit_labels{suffix}"]
    settings = Upsampling(
        modulation=modulation("A"), filter=FILTERS[suffix], difference="wrapped-8-bit", sampling=sampling()
    )
    size = expected.shape[1], expected.shape[2]
    actual = label_maps(backbone, plains[batch][0], coarse_maps(batch), size, settings, GIB)
    assert (actual != expected).mean() < 0.2 * (stored[f"float_labels{suffix}"] != expected).mean()


# Frames whose sides are not multiples of 64


def test_resized_frames() -> None:
    stored = arrays("resize")
    height, width = stored["net_input"].shape[-2:]
    actual = to_network_size(stored["frames_u8"], (height, width)).transpose(0, 3, 1, 2) / 127.5 - 1
    assert np.abs(actual - stored["net_input"]).max() < 1e-6


def test_resized_images() -> None:
    expected = arrays("resize")["pass0_first_label_plus_png"]
    images = difference.to_8_bit(tensor("resize", "pass0_first_label_plus_decoded"))
    actual = difference.resize_8_bit(images, (expected.shape[1], expected.shape[2]))
    assert np.array_equal(actual.permute(0, 2, 3, 1).numpy(), expected)


def test_a_whole_number_of_batches_has_one_more_pass() -> None:
    stored = arrays("resize")
    passes = {int(match[1]) for key in stored if (match := re.match(r"pass(\d+)_", key))}
    count = len(stored["frames_u8"])
    batches = cut(count, Batches(size=count, last="shifted"))
    assert batches == [list(range(count))] * int(stored["n_batches"])
    assert len(batches) == len(passes)
