"""Metrics against values worked out by hand and against slow computations straight from the definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from zeroshot_vss.metrics.boundary import boundary_f, boundary_map, boundary_radius, mean_boundary_f
from zeroshot_vss.metrics.cityscapes import evaluated_iou
from zeroshot_vss.metrics.confusion import class_iou, confusion_matrix, mean_iou, pixel_accuracy
from zeroshot_vss.metrics.consistency import ConsistencyMetric, StreamingConsistency
from zeroshot_vss.metrics.davis import ObjectMetric, decay, recall, region_j

Ids = NDArray[np.uint8]
VOID = 255
CLASSES = 4
few = settings(max_examples=40, deadline=None)


@st.composite
def videos(draw: st.DrawFn, void: bool = True, frames: int = 12) -> Ids:
    """Label videos [T, H, W] in which stretches stand still, so that windows are neither empty nor full."""
    labels = st.sampled_from([*range(CLASSES), VOID] if void else range(CLASSES))
    shape = (draw(st.integers(1, frames)), 3, 4)
    video = draw(arrays.arrays(np.uint8, shape, elements=labels))
    still = draw(arrays.arrays(np.bool_, shape, elements=st.sampled_from([True, True, True, False])))
    for index in range(1, shape[0]):
        video[index] = np.where(still[index], video[index - 1], video[index])
    return video


@st.composite
def video_pairs(draw: st.DrawFn, void: bool = True) -> tuple[Ids, Ids]:
    truth = draw(videos())
    length = len(truth)
    prediction = draw(videos(void=void, frames=20).filter(lambda video: len(video) >= length))
    return truth, prediction[:length]


# Confusion matrix and IoU


def test_confusion_by_hand() -> None:
    truth = np.array([[0, 0, 0, 1], [1, 1, VOID, VOID]], np.uint8)
    prediction = np.array([[0, 1, VOID, 1], [1, 2, 2, VOID]], np.uint8)
    confusion = confusion_matrix(truth, prediction, 3)
    assert confusion.dtype == np.int64
    assert confusion.tolist() == [[1, 1, 0, 1], [0, 2, 1, 0], [0, 0, 0, 0]]
    # Class 0: 1 hit, 3 true, 1 predicted. Class 1: 2 hits, 3 true, 3 predicted. Class 2 is only predicted.
    assert class_iou(confusion).tolist() == pytest.approx([1 / 3, 2 / 4, 0])
    assert mean_iou(confusion) == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert mean_iou(confusion, "occurring") == pytest.approx((1 / 3 + 2 / 4 + 0) / 3)
    assert pixel_accuracy(confusion) == pytest.approx(3 / 6)


def test_unlabelled_pixels_are_misses_but_no_false_alarms() -> None:
    truth = np.array([0, 0, 1, 1], np.uint8)
    labelled = confusion_matrix(truth, np.array([0, 1, 1, 1], np.uint8), 2)
    unlabelled = confusion_matrix(truth, np.array([0, VOID, 1, 1], np.uint8), 2)
    assert class_iou(labelled).tolist() == pytest.approx([1 / 2, 2 / 3])
    assert class_iou(unlabelled).tolist() == pytest.approx([1 / 2, 1])


def test_nothing_to_score_is_nan_without_warning() -> None:
    void = np.full((2, 3), VOID, np.uint8)
    confusion = confusion_matrix(void, np.zeros((2, 3), np.uint8), 5)
    assert math.isnan(mean_iou(confusion))
    assert math.isnan(pixel_accuracy(confusion))
    assert math.isnan(mean_boundary_f(void, void, 5))


@pytest.mark.parametrize(("truth", "prediction"), [(3, 0), (0, 3), (0, 254), (254, 0)])
def test_ids_that_are_no_class_never_spill(truth: int, prediction: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.2"):
        confusion_matrix(np.array([truth], np.uint8), np.array([prediction], np.uint8), 3)


def test_255_classes() -> None:
    ids = np.arange(255, dtype=np.uint8)
    confusion = confusion_matrix(ids, ids, 255)
    assert confusion.shape == (255, 256)
    assert mean_iou(confusion) == 1


@few
@given(video_pairs())
def test_iou_is_the_ratio_of_sets(pair: tuple[Ids, Ids]) -> None:
    truth, prediction = pair
    known = truth != VOID
    wanted = []
    for label in range(CLASSES):
        union = np.sum(((truth == label) | (prediction == label)) & known)
        wanted.append(np.sum((truth == label) & (prediction == label)) / union if union else math.nan)
    confusion = confusion_matrix(truth, prediction, CLASSES)
    assert class_iou(confusion).tolist() == pytest.approx(wanted, nan_ok=True)
    counted = [iou for label, iou in enumerate(wanted) if (truth == label).any()]
    assert mean_iou(confusion) == pytest.approx(np.mean(counted) if counted else math.nan, nan_ok=True)


@few
@given(videos())
def test_perfect_prediction(truth: Ids) -> None:
    confusion = confusion_matrix(truth, truth, CLASSES)
    if (truth != VOID).any():
        assert mean_iou(confusion) == mean_iou(confusion, "occurring") == pixel_accuracy(confusion) == 1
        frame = next(frame for frame in truth if (frame != VOID).any())
        assert mean_boundary_f(frame, frame, CLASSES) == 1


def test_cityscapes_ignored_ids() -> None:
    # Road (7) and sidewalk (8) are evaluated; ground (6) is not.
    truth = np.array([7, 7, 7, 7, 8, 6, 6], np.uint8)
    prediction = np.array([7, 7, 6, 8, 8, 7, 6], np.uint8)
    iou = evaluated_iou(confusion_matrix(truth, prediction, 34))
    assert iou[:2].tolist() == pytest.approx([2 / 4, 1 / 2])
    assert np.isnan(iou[2:]).all()


# Consistency


def slow_windows(truth: Ids, prediction: Ids, length: int) -> tuple[list[float], list[float]]:
    """From the definition, with every window's frames at hand."""
    plain, strict = [], []
    for start in range(len(truth) - length):
        frames = slice(start, start + length)
        same = (truth[frames] == truth[start]).all(axis=0)
        constant = (prediction[frames] == prediction[start]).all(axis=0)
        plain.append((same & constant).sum() / same.sum() if same.any() else math.nan)
        classes = same & (truth[start] != VOID)
        right = classes & (prediction[frames] == truth[frames]).all(axis=0)
        strict.append(right.sum() / classes.sum() if classes.any() else math.nan)
    return plain, strict


def stream(truth: Ids, prediction: Ids, *lengths: int) -> StreamingConsistency:
    consistency = StreamingConsistency(lengths)
    for pair in zip(truth, prediction, strict=True):
        consistency.update(*pair)
    return consistency


@few
@given(video_pairs(), st.integers(2, 6))
def test_streaming_consistency_is_the_definition(pair: tuple[Ids, Ids], length: int) -> None:
    consistency = stream(*pair, length)
    plain, strict = slow_windows(*pair, length)
    assert consistency.windows(length).tolist() == pytest.approx(plain, nan_ok=True)
    assert consistency.strict_windows(length).tolist() == pytest.approx(strict, nan_ok=True)


@few
@given(videos(), st.integers(2, 4))
def test_first_frame_copied_is_perfectly_consistent(truth: Ids, length: int) -> None:
    windows = stream(truth, np.broadcast_to(truth[0], truth.shape), length).windows(length)
    assert (windows[~np.isnan(windows)] == 1).all()


def test_strict_consistency_needs_the_right_class() -> None:
    truth = np.array([[0, 0, 1, 1, VOID]] * 4, np.uint8)[:, None]
    prediction = np.array([[0, 1, 1, VOID, 2]] * 4, np.uint8)[:, None]
    consistency = stream(truth, prediction, 3)
    assert consistency.windows(3).tolist() == [1.0]
    assert consistency.strict_windows(3).tolist() == [0.5]


@pytest.mark.parametrize(("frames", "windows"), [(1, 0), (7, 0), (8, 0), (9, 1), (20, 12)])
def test_number_of_windows(frames: int, windows: int) -> None:
    video = np.zeros((frames, 2, 2), np.uint8)
    assert stream(video, video, 8).windows(8).tolist() == [1.0] * windows


def test_windows_over_frames_without_truth_are_undefined() -> None:
    frame = np.zeros((2, 2), np.uint8)
    consistency = StreamingConsistency((2,))
    for annotated in (False, True, True, True, False, True, True, True):
        if annotated:
            consistency.update(frame, frame)
        else:
            consistency.skip()
    nan = math.nan
    assert consistency.windows(2).tolist() == pytest.approx([nan, 1, 1, nan, nan, 1], nan_ok=True)


def test_frames_do_not_change_after_they_were_taken_in() -> None:
    buffer = np.zeros((2, 2), np.uint8)
    consistency = StreamingConsistency((2,))
    for label in (0, 1, 2):
        buffer[:] = label
        consistency.update(buffer, np.zeros((2, 2), np.uint8))
    assert np.isnan(consistency.windows(2)).all()


@few
@given(st.lists(video_pairs(), min_size=1, max_size=3), st.randoms())
def test_pooled_consistency_is_over_windows_in_any_order(pairs: list[tuple[Ids, Ids]], random) -> None:
    windows = [share for pair in pairs for share in slow_windows(*pair, 3)[0] if not math.isnan(share)]
    wanted = sum(windows) / len(windows) if windows else math.nan
    random.shuffle(pairs)
    clips = []
    for pair in pairs:
        metric = ConsistencyMetric((3,))
        for frame in zip(*pair, strict=True):
            metric.update(*frame, where="")
        clips.append(metric.arrays())
    assert ConsistencyMetric((3,)).pool(clips)["mvc3"] == pytest.approx(wanted, nan_ok=True)


def test_consistency_refuses_frames_of_two_sizes() -> None:
    consistency = stream(np.zeros((1, 2, 2), np.uint8), np.zeros((1, 2, 2), np.uint8), 2)
    with pytest.raises(ValueError, match="one size"):
        consistency.update(np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint8))


# Boundaries


def test_boundary_map_by_hand() -> None:
    mask = np.array([[0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]], bool)
    wanted = [[1, 1, 1, 0], [1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 1, 0]]
    assert boundary_map(mask).astype(int).tolist() == wanted


def slow_boundary_f(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> float:
    """Pixel by pixel, with distances in place of a dilation."""
    height, width = truth.shape

    def edges(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
        actual = []
        for y in range(height):
            for x in range(width):
                others = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
                if any(mask[y, x] != mask[a, b] for a, b in others if a < height and b < width):
                    actual.append((y, x))
        return actual

    def share(these: list[tuple[int, int]], others: list[tuple[int, int]]) -> float:
        limit = math.ceil(0.008 * math.sqrt(height**2 + width**2)) ** 2
        near = [any((y - a) ** 2 + (x - b) ** 2 <= limit for a, b in others) for y, x in these]
        return sum(near) / len(near)

    true_edges, predicted_edges = edges(truth), edges(prediction)
    if not true_edges or not predicted_edges:
        return float(len(true_edges) == len(predicted_edges))
    precision, recalled = share(predicted_edges, true_edges), share(true_edges, predicted_edges)
    return 2 * precision * recalled / (precision + recalled) if precision + recalled else 0.0


masks = arrays.arrays(np.bool_, (6, 7), elements=st.sampled_from([True, False, False, False]))


@few
@given(masks, masks)
def test_boundary_f_is_the_definition(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> None:
    assert boundary_f(truth, prediction) == pytest.approx(slow_boundary_f(truth, prediction))


def test_boundary_f_with_a_wider_disk() -> None:
    rng = np.random.default_rng(5)
    truth, prediction = np.zeros((2, 150, 210), bool)
    truth[20:60, 30:90] = truth[100:120, 100:200] = True
    prediction[22:63, 31:97] = prediction[103:119, 110:190] = True
    prediction ^= rng.random(prediction.shape) < 0.001
    assert boundary_radius((150, 210)) == 3
    assert boundary_f(truth, prediction) == pytest.approx(slow_boundary_f(truth, prediction))


@pytest.mark.parametrize(("size", "radius"), [((480, 854), 8), ((480, 853), 8), ((1024, 2048), 19), ((30, 40), 1)])
def test_boundary_radius(size: tuple[int, int], radius: int) -> None:
    assert boundary_radius(size) == radius


def test_mean_boundary_f_is_over_true_classes_and_ignores_predictions_on_void() -> None:
    truth = np.zeros((40, 40), np.uint8)
    truth[:, 20:] = 1
    truth[30:] = VOID
    prediction = np.where(truth == VOID, np.random.default_rng(1).integers(0, 3, truth.shape), truth).astype(np.uint8)
    assert mean_boundary_f(truth, prediction, 3) == 1
    # Class 2 is not in the truth, class 1 is not predicted, so class 0 fills the known part.
    halves = [boundary_f(truth == 0, truth != VOID), 0.0]
    assert mean_boundary_f(truth, np.zeros_like(truth), 3) == pytest.approx(sum(halves) / 2)


# DAVIS


def test_region_j() -> None:
    empty, left, top = np.zeros((3, 2, 2), bool)
    left[:, 0] = top[0] = True
    assert region_j(empty, empty) == 1
    assert region_j(empty, left) == region_j(left, empty) == 0
    assert region_j(left, top) == pytest.approx(1 / 3)


def test_recall_and_decay() -> None:
    values = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])
    assert recall(values) == pytest.approx(4 / 9)
    # The quarters of nine frames end with the frames 3, 5, 7 and 9.
    assert decay(values) == pytest.approx(0.8 - 0.2)
    assert decay(np.array([0.25])) == 0
    assert math.isnan(decay(np.array([])))
    # Ends beyond 255 frames do not wrap around.
    assert decay(np.repeat([1.0, 0.0], 200)) == 1


def test_first_and_last_frame_do_not_count() -> None:
    blank = np.zeros((8, 8), np.uint8)
    thing = blank.copy()
    thing[2:6, 2:6] = 1
    for keep_last, wanted in ((False, [1.0, 0.0]), (True, [1.0, 0.0, 0.0])):
        metric = ObjectMetric(keep_last)
        for prediction in (blank, thing, blank, blank):
            metric.update(thing, prediction, "")
        assert metric.arrays()["j"].tolist() == metric.arrays()["f"].tolist() == [wanted]


def test_too_short_for_davis() -> None:
    thing = np.ones((4, 4), np.uint8)
    metric = ObjectMetric()
    metric.update(thing, thing, "")
    assert metric.arrays()["j"].shape == (1, 0)
    assert math.isnan(metric.pool([metric.arrays()])["j_and_f"])


def test_quarters_that_end_between_frames_take_the_later_one() -> None:
    # Of 7 frames the quarters end at 2.5, 4 and 5.5: the first is frames 1 to 3, the last frames 6 and 7.
    values = np.array([0, 0, 0.9, 0, 0, 0.1, 0.1])
    assert decay(values) == pytest.approx(0.3 - 0.1)
