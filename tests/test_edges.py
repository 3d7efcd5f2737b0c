"""Edge-aware filters against loops over pixels and windows, and against frames drawn by hand."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from backbone_checks import Pictures
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.method import bilateral, guided
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.bilateral import bilateral_labels
from zeroshot_vss.method.guided import Guided, guided_filter, guided_labels
from zeroshot_vss.settings.edges import GuidedFilter, JointBilateral
from zeroshot_vss.settings.upsampling import MethodUpsampling, Upsampling
from zeroshot_vss.upsamplers.base import Resources, make_upsampler
from zeroshot_vss.upsamplers.bilinear import bilinear_labels

OPTIONS: dict[str, dict[str, Any]] = {
    "joint-bilateral": {"bilateral": {"spatial": 0.6, "colour": 0.1}},
    "guided-filter": {"guided": {"radius": 1, "epsilon": 1e-4}},
}


def random(seed: int = 3) -> np.random.Generator:
    return np.random.default_rng(seed)


FRAME = random().integers(0, 256, (9, 12, 3), np.uint8)


def upsampled(name: str, frames: Frames, coarse: NDArray[np.uint8], places: list[int]) -> NDArray[np.uint8]:
    settings = Upsampling.model_validate(
        {"upsampler": name, "modulation": None, "sampling": None, "filter": None, **OPTIONS[name]}
    )
    upsampler = make_upsampler(settings, Resources(lambda: pytest.fail("no model"), lambda: 1.0))
    clip = Pictures((frames.shape[1], frames.shape[2]), frames)
    return upsampler.upsample(clip, [Row(i, i) for i in places], coarse[places])


def literal_bilateral(maps: NDArray[Any], frame: NDArray[np.uint8], spatial: float, colour: float) -> NDArray[Any]:
    """Kopf's sum, pixel by pixel and cell by cell."""
    (count, h, w), (height, width) = maps.shape, frame.shape[:2]
    a, b = height // h, width // w
    guide = frame / 255.0
    means = np.array([[guide[a * i : a * i + a, b * j : b * j + b].mean((0, 1)) for j in range(w)] for i in range(h)])
    made = np.zeros((count, height, width))
    for y in range(height):
        for x in range(width):
            total = 0.0
            row, column = (y + 0.5) / a - 0.5, (x + 0.5) / b - 0.5
            for i in range(h):
                for j in range(w):
                    reach = np.ceil(3 * spatial)
                    if max(abs(i - np.floor(row + 0.5)), abs(j - np.floor(column + 0.5))) > reach:
                        continue
                    apart = (row - i) ** 2 + (column - j) ** 2
                    differs = ((guide[y, x] - means[i, j]) ** 2).sum()
                    weight = np.exp(-apart / (2 * spatial**2)) * np.exp(-differs / (2 * colour**2))
                    made[:, y, x] += weight * maps[:, i, j]
                    total += weight
            made[:, y, x] /= total
    return made


@pytest.mark.parametrize(("spatial", "colour"), [(0.5, 0.3), (1.2, 0.15), (0.3, 2.0)])
@pytest.mark.parametrize("labels", [2, 5, 12])
def test_joint_bilateral_labels_have_the_largest_sum_over_cells(spatial: float, colour: float, labels: int) -> None:
    coarse = random(labels).choice(
        np.array([0, 3, 4, 9, 30, 31, 80, 81, 90, 120, 254, 255], np.uint8)[:labels], (3, 4)
    )
    maps = coarse == np.unique(coarse)[:, None, None]
    expected = np.unique(coarse)[literal_bilateral(maps, FRAME, spatial, colour).argmax(0)]
    actual = bilateral_labels(coarse, FRAME, JointBilateral(spatial=spatial, colour=colour))
    assert actual.dtype == np.uint8
    np.testing.assert_array_equal(actual, expected)


def test_labels_are_the_same_where_few_weights_or_maps_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = random(5).integers(0, 256, (27, 40, 3), np.uint8)
    coarse = random().choice(np.array([4, 9, 30, 255], np.uint8), (5, 7))
    settings, filtered = JointBilateral(), Guided(frame, 2, 1e-3)
    whole = bilateral_labels(coarse, frame, settings), guided_labels(coarse, (27, 40), filtered)
    for at_once in (1, 2 * 27 * 40):
        monkeypatch.setattr(bilateral, "WEIGHTS_AT_ONCE", at_once)
        monkeypatch.setattr(guided, "VALUES_AT_ONCE", at_once)
        np.testing.assert_array_equal(bilateral_labels(coarse, frame, settings), whole[0])
        np.testing.assert_array_equal(guided_labels(coarse, (27, 40), filtered), whole[1])


def literal_guided(values: NDArray[Any], frame: NDArray[np.uint8], radius: int, epsilon: float) -> NDArray[Any]:
    """A ridge regression on colour in each window, and the mean of the fits that a pixel is in."""
    height, width = values.shape
    sums, count = np.zeros(values.shape), np.zeros(values.shape)
    for y in range(height):
        for x in range(width):
            window = (slice(max(y - radius, 0), y + radius + 1), slice(max(x - radius, 0), x + radius + 1))
            colours, targets = frame[window].reshape(-1, 3) / 255.0, values[window].ravel()
            # Least squares with sqrt(n epsilon) |a|, but not the constant b, as further rows.
            penalty = np.sqrt(len(targets) * epsilon) * np.eye(3, 4)
            rows = np.vstack([np.hstack([colours, np.ones((len(targets), 1))]), penalty])
            plane = np.linalg.lstsq(rows, np.append(targets, np.zeros(3)))[0]
            fitted = colours @ plane[:3] + plane[3]
            sums[window] += fitted.reshape(sums[window].shape)
            count[window] += 1
    return sums / count


@pytest.mark.parametrize(("radius", "epsilon"), [(1, 1e-3), (2, 0.1), (20, 1e-2)])
def test_guided_filter_is_the_mean_of_the_windows_regressions(radius: int, epsilon: float) -> None:
    values = random().random(FRAME.shape[:2])
    (actual,) = Guided(FRAME, radius, epsilon)(values[None])
    np.testing.assert_allclose(actual, literal_guided(values, FRAME, radius, epsilon), atol=1e-5)


def test_guided_filter_of_a_small_mask_is_that_of_the_whole_frame() -> None:
    """Only where the mask reaches is computed."""
    frame, values = random().integers(0, 256, (20, 26, 3), np.uint8), np.zeros((2, 20, 26), np.float32)
    values[0, 8:10, 11:13] = 1
    filtered = Guided(frame, 2, 1e-3)
    np.testing.assert_allclose(filtered(values)[0], literal_guided(values[0], frame, 2, 1e-3), atol=1e-6)
    assert not filtered(values)[1].any()


def test_guided_masks_are_resized_bilinearly_first_and_the_radius_is_in_cells() -> None:
    mask = np.zeros((1, 3, 4), np.float32)
    mask[0, 1, 2] = 1
    full = cv2.resize(mask[0], (12, 9), interpolation=cv2.INTER_LINEAR)
    for radius, pixels in [(1.0, 3), (0.5, 2), (0.01, 1)]:
        (actual,) = guided_filter(FRAME, (3, 4), GuidedFilter(radius=radius, epsilon=0.01))(mask)
        np.testing.assert_allclose(actual, literal_guided(full, FRAME, pixels, 0.01), atol=1e-5)


def test_on_a_frame_of_one_colour_both_are_plain_smoothing() -> None:
    plain, values = np.full((9, 12, 3), 90, np.uint8), random().random((9, 12))
    # Gaussians of the distance alone.
    coarse = random().permutation(12).astype(np.uint8).reshape(3, 4)
    expected = literal_bilateral(coarse == np.arange(12)[:, None, None], plain, 0.7, 1.0).argmax(0)
    actual = bilateral_labels(coarse, plain, JointBilateral(spatial=0.7, colour=1.0))
    np.testing.assert_array_equal(actual, expected)
    # Windows of one pixel around each, twice, inside the frame.
    twice = cv2.blur(cv2.blur(values, (3, 3)), (3, 3))
    np.testing.assert_allclose(Guided(plain, 1, 1e-3)(values[None])[0, 2:-2, 2:-2], twice[2:-2, 2:-2], atol=1e-6)


def step_edge() -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """A frame whose colours change five pixels from the left of 16, its coarse map in cells of 4, and the truth."""
    truth = np.full((16, 16), 2, np.uint8)
    truth[:, :5] = 7
    frame = np.where(truth[..., None] == 7, np.array([200, 60, 30]), np.array([20, 90, 160]))
    return frame.astype(np.uint8), np.tile(np.array([7, 2, 2, 2], np.uint8), (4, 1)), truth


@pytest.mark.parametrize("name", OPTIONS)
def test_an_edge_within_a_cell_is_found(name: str) -> None:
    frame, coarse, truth = step_edge()
    assert (bilinear_labels(coarse, truth.shape) != truth).any()
    np.testing.assert_array_equal(upsampled(name, frame[None], coarse[None], [0])[0], truth)


@pytest.mark.parametrize("name", OPTIONS)
def test_a_frame_of_one_label_stays_so_and_frames_are_independent(name: str) -> None:
    frames = random().integers(0, 256, (3, 16, 24, 3), np.uint8)
    coarse = np.zeros((3, 4, 6), np.uint8)
    coarse[0, :, 3:], coarse[1], coarse[2, 2:] = 4, 255, 9
    maps = upsampled(name, frames, coarse, [0, 1, 2])
    assert maps.shape == (3, 16, 24) and maps.dtype == np.uint8 and (maps[1] == 255).all()
    assert set(np.unique(maps[0])) == {0, 4} and set(np.unique(maps[2])) == {0, 9}
    for place in (2, 0):
        np.testing.assert_array_equal(upsampled(name, frames, coarse, [place])[0], maps[place])


def test_ties_go_to_the_smallest_label() -> None:
    frame = np.full((1, 3, 3), 50, np.uint8)
    for pair in ([5, 2], [2, 5]):
        assert bilateral_labels(np.array([pair], np.uint8), frame, JointBilateral())[0, 1] == 2
        assert guided_labels(np.array([pair], np.uint8), (1, 3), Guided(frame, 1, 1e-3))[0, 1] == 2


def test_colours_far_from_all_cells_still_have_weights() -> None:
    """A white pixel among black ones: every weight of its window is below what floats hold."""
    frame = np.zeros((4, 4, 3), np.uint8)
    frame[1, 1] = 255
    coarse = np.array([[7, 2], [2, 2]], np.uint8)
    assert bilateral_labels(coarse, frame, JointBilateral(spatial=0.5, colour=0.01))[1, 1] == 7


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"upsampler": "guided-filter"}, "guided must be given"),
        ({"upsampler": "guided-filter", "guided": {}, "bilateral": {}}, "bilateral must be given with"),
        ({"upsampler": "joint-bilateral"}, "bilateral must be given"),
        ({"upsampler": "joint-bilateral", "bilateral": {}, "guided": {}}, "guided must be given with"),
        ({"upsampler": "bilinear", "guided": {}}, "guided must be given with"),
        ({"upsampler": "nearest", "bilateral": {}}, "bilateral must be given with"),
        ({"upsampler": "guided-filter", "guided": {"radius": 0}}, "guided.radius"),
        ({"upsampler": "guided-filter", "guided": {"epsilon": -1}}, "guided.epsilon"),
        ({"upsampler": "guided-filter", "guided": {"raduis": 1}}, "guided.raduis"),
        ({"upsampler": "joint-bilateral", "bilateral": {"colour": float("inf")}}, "bilateral.colour"),
    ],
)
def test_wrong_settings_are_named(over: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MethodUpsampling.model_validate({"modulation": None, "filter": None, **over})
