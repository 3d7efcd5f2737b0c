"""Intervals, differences and ranks: against simulations, SciPy and hand calculation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from numpy.typing import NDArray

from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics import statistics
from zeroshot_vss.metrics.base import Metric
from zeroshot_vss.metrics.confusion import ConfusionMetric
from zeroshot_vss.metrics.protocols.base import get_protocol, pool
from zeroshot_vss.metrics.scores import ClipScores, save_clips
from zeroshot_vss.metrics.scoring import write_scores
from zeroshot_vss.metrics.statistics import (
    LEVEL,
    compare,
    exchanges,
    holm,
    interval,
    least_p,
    mean_interval,
    pool_draws,
    resample,
    resamples,
)
from zeroshot_vss.stages.table import run as run_table
from zeroshot_vss.tables.intervals import (
    comparison_table,
    comparisons_to_latex,
    comparisons_to_markdown,
    interval_table,
    intervals_to_latex,
    intervals_to_markdown,
)
from zeroshot_vss.tables.quality import TableJob, TableRow

CLASSES = 4


def semantic(seed: int, clips: int, skill: float = 0.5, protocol: str = "vspw") -> list[ClipScores]:
    """Clips of one truth whose predictions are right by `skill` and a part that varies; the first has no VC16."""
    rng, noise = np.random.default_rng(0), np.random.default_rng(seed)
    scores = []
    for place in range(clips):
        pixels = rng.multinomial(400, rng.dirichlet(np.ones(CLASSES)))
        confusion = np.zeros((CLASSES, CLASSES + 1), np.int64)
        for label, count in enumerate(pixels):
            right = noise.binomial(count, np.clip(noise.normal(skill, 0.1), 0, 1))
            confusion[label] = noise.multinomial(count - right, np.full(CLASSES + 1, 1 / (CLASSES + 1)))
            confusion[label, label] += right
        windows = {f"{kind}vc{length}": noise.uniform(skill, 1, length % 9 * bool(place) + 2)
                   for kind in ("", "strict_") for length in (8, 16)}  # fmt: skip
        if place == 0:
            windows["vc16"] = np.full(2, np.nan)
        arrays = {"confusion": confusion, **windows, "boundary_f": np.array([noise.uniform(2, 4), 5.0])}
        scores.append(ClipScores(f"clip {place}", protocol, 5, arrays))
    return scores


def objects(seed: int, clips: int) -> list[ClipScores]:
    """Clips of one to three objects; the first has no scored frame."""
    rng = np.random.default_rng(seed)
    return [
        ClipScores(str(i), "davis-2017", 9, {n: rng.uniform(0, 1, (1 + i % 3, 7 * bool(i))) for n in ("j", "f")})
        for i in range(clips)
    ]


def cityscapes(seed: int) -> list[ClipScores]:
    rng = np.random.default_rng(seed)
    return [
        ClipScores(str(i), "cityscapes-official", 1, {"confusion": rng.integers(0, 9, (34, 35))}) for i in range(5)
    ]


ROWS = {"semantic": semantic(1, 5), "objects": objects(1, 5), "cityscapes": cityscapes(1)}


def metrics_of(scores: list[ClipScores]) -> list[Metric]:
    protocol = get_protocol(scores[0].protocol)
    return protocol.metrics(protocol.classes)


@pytest.mark.parametrize("scores", ROWS.values(), ids=list(ROWS))
def test_every_clip_once_is_the_protocols_figure(scores: list[ClipScores]) -> None:
    pooled, figures = pool(scores), resample(scores).figures
    assert len(figures) and figures == pytest.approx({name: pooled[name] for name in figures}, nan_ok=True)


@pytest.mark.parametrize("scores", ROWS.values(), ids=list(ROWS))
def test_draws_are_pooled_as_clips_are(scores: list[ClipScores]) -> None:
    """The product of matrices, against `pool` of clips that are listed as often as they are drawn."""
    counts = resamples(len(scores))[:20]
    fast = pool_draws(scores, counts)
    arrays = [clip.arrays for clip in scores]
    for metric in metrics_of(scores):
        for name, figures in Metric.pool_draws(metric, arrays, counts).items():
            np.testing.assert_allclose(fast[name], figures, rtol=1e-12)


def test_windows_count_and_objects_count_whatever_their_clip() -> None:
    """Independent of the metrics: means over all windows, and over all objects."""
    clips = semantic(2, 4)
    windows = np.concatenate([clips[1].arrays["vc16"]] * 2 + [clips[0].arrays["vc16"], clips[3].arrays["vc16"]])
    drawn = pool_draws(clips, np.array([[1, 2, 0, 1]]))
    assert drawn["mvc16"][0] == pytest.approx(np.nanmean(windows))
    videos = objects(3, 4)
    means = [values.mean() for place in (1, 1, 2) for values in videos[place].arrays["j"]]
    assert pool_draws(videos, np.array([[1, 2, 1, 0]]))["j_mean"][0] == pytest.approx(np.mean(means))


@pytest.mark.parametrize("clips", [10, 40])
def test_intervals_cover(clips: int) -> None:
    """95 +- 2 % of 1500 experiments with a share that is pooled over clips of different sizes."""
    rng, experiments, truth = np.random.default_rng(7), 1500, 0.6
    pixels = rng.gamma(8, 25, (experiments, clips))
    right = pixels * rng.beta(3, 2, (experiments, clips))
    counts = resamples(clips)[:1000].T
    draws = (right @ counts) / (pixels @ counts)
    ends = np.array([interval(some, clips) for some in draws])
    assert np.mean((ends[:, 0] <= truth) & (truth <= ends[:, 1])) == pytest.approx(LEVEL, abs=0.02)


def two_rows(rng: np.random.Generator, *shape: int) -> NDArray[np.float64]:
    """Hits, true and predicted pixels [2, *shape, 3 * 3] of clips of three classes, by two rows of unlike skill.

    What is hard in a clip is so for both rows, beside what is each row's own.
    """
    true = rng.gamma(8, 25, (*shape, 1)) * rng.dirichlet(np.full(3, 2.0), shape)
    skill = np.array([0.65, 0.6]).reshape(2, *(1,) * len(true.shape)) + rng.normal(0, 0.1, (*shape, 1))
    hits = true * np.clip(rng.normal(skill, 0.1, (2, *true.shape)), 0, 1)
    # Of what is missed of a class, each of the two others gets a part.
    part = rng.uniform(0, 1, hits.shape)
    missed = true - hits
    predicted = hits + np.roll(part * missed, 1, -1) + np.roll((1 - part) * missed, 2, -1)
    return np.stack([hits, np.broadcast_to(true, hits.shape), predicted], -2).reshape(*hits.shape[:-1], 9)


def test_intervals_of_a_pooled_miou_and_of_a_paired_difference_cover() -> None:
    """95 +- 2 % of 1000 experiments with 40 clips: confusion matrices summed over clips, the rows' draws the same."""
    rng, experiments, clips, metric = np.random.default_rng(7), 1000, 40, ConfusionMetric(3)
    truth = metric.figures(two_rows(rng, 100_000).sum(1))["miou"]
    counts = resamples(clips)[:1000].astype(np.float64)
    pixels = two_rows(rng, experiments, clips).swapaxes(1, 2).reshape(2, clips, -1)
    draws = [metric.figures((counts @ row).reshape(-1, experiments, 9))["miou"] for row in pixels]
    for some, expected in ((draws[0], truth[0]), (draws[0] - draws[1], truth[0] - truth[1])):
        ends = np.array([interval(of_one, clips) for of_one in some.T])
        assert np.mean((ends[:, 0] <= expected) & (expected <= ends[:, 1])) == pytest.approx(LEVEL, abs=0.02)


def test_the_bootstrap_is_scipys() -> None:
    """For many clips the ends are the percentiles; draws differ."""
    values = np.random.default_rng(0).exponential(1, 200)
    known: Any = scipy.stats.bootstrap((values,), np.mean, method="percentile", rng=np.random.default_rng(3))
    assert mean_interval(values) == pytest.approx(tuple(known.confidence_interval), abs=0.01)
    assert mean_interval(values[::-1]) == mean_interval(values)


def test_few_clips_have_wider_intervals_or_none() -> None:
    draws = np.random.default_rng(0).normal(0, 1, 10_000)
    widths = [np.ptp(interval(draws, clips)) for clips in (3, 5, 10, 1000)]
    assert widths == sorted(widths, reverse=True) and widths[-1] == pytest.approx(2 * 1.96, abs=0.1)
    assert np.isnan(interval(draws, 1)).all() and np.isnan(interval(np.full(9, np.nan), 9)).all()
    assert interval(np.append(draws, np.nan), 10) == interval(draws, 10)


@pytest.mark.parametrize("clips", [6, 20])
def test_p_is_scipys(clips: int) -> None:
    """Of boundary F, which is a mean of clips here, so that SciPy can test it; exactly for six clips."""
    one, other = semantic(1, clips, 0.5), semantic(2, clips, 0.5)
    pairs = [np.array([clip.arrays["boundary_f"][0] / 5 for clip in row]) for row in (one, other)]
    known: Any = scipy.stats.permutation_test(
        pairs, lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=2**clips if clips == 6 else 20_000, rng=np.random.default_rng(5),
    )  # fmt: skip
    found = compare(resample(one), resample(other))["boundary_f"]
    assert found.difference == pytest.approx(known.statistic)
    assert found.p == pytest.approx(known.pvalue, abs=1e-9 if clips == 6 else 0.02)


def test_p_is_uniform_where_rows_do_not_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most 5 % of p are below 0.05, and better rows are found."""
    monkeypatch.setattr(statistics, "DRAWS", 200)
    for cached in (resamples, exchanges):
        cached.cache_clear()
    p = np.array([compare(resample(semantic(k, 8)), resample(semantic(999 + k, 8)))["miou"].p for k in range(100)])
    better = [compare(resample(semantic(k, 8, 0.8)), resample(semantic(99 + k, 8)))["miou"] for k in range(5)]
    for cached in (resamples, exchanges):
        cached.cache_clear()
    assert np.mean(p < 0.05) < 0.05 + 2 * np.sqrt(0.05 * 0.95 / len(p)) and np.mean(p) == pytest.approx(0.5, abs=0.1)
    assert all(found.p < 0.05 and found.low > 0 for found in better)


def test_differences_are_antisymmetric_and_of_any_order() -> None:
    one, other = semantic(1, 12, 0.6), semantic(2, 12)
    there, back = compare(resample(one), resample(other)), compare(resample(other[::-1]), resample(one[3:] + one[:3]))
    for name, found in there.items():
        assert back[name].p == found.p and back[name].difference == pytest.approx(-found.difference)
        assert (back[name].low, back[name].high) == pytest.approx((-found.high, -found.low))
        assert found.low < found.difference < found.high


def test_equal_rows_do_not_differ() -> None:
    found = compare(resample(semantic(1, 8)), resample(semantic(1, 8)))
    assert {(c.difference, c.low, c.high, c.p) for c in found.values()} == {(0.0, 0.0, 0.0, 1.0)}


def test_missing_figures_are_left_out() -> None:
    """No clip has VC16: neither interval nor difference; one has none: both."""
    none = [ClipScores(c.clip, c.protocol, c.frames, {**c.arrays, "vc16": np.zeros(0)}) for c in semantic(1, 6)]
    row = resample(none)
    assert np.isnan(row.figures["mvc16"]) and np.isnan(row.interval("mvc16")).all()
    assert "mvc16" not in compare(row, resample(semantic(2, 6))) and "mvc8" in compare(row, row)
    assert not np.isnan(resample(semantic(1, 6)).interval("mvc16")).any()
    table = interval_table(NAMES[:2], [row, resample(semantic(2, 6))], comparison_table(NAMES[:1], [row]))
    assert list(table[table["figure"] == "mVC16"]["method"]) == ["B"]


def test_other_clips_are_not_compared() -> None:
    with pytest.raises(InputError, match="different clips"):
        compare(resample(semantic(1, 3)), resample(semantic(1, 4)))


def test_exchanges_and_the_least_p() -> None:
    assert sorted(map(tuple, exchanges(3).tolist())) == [
        (a, b, c) for a in (0, 1) for b in (0, 1) for c in (0, 1)
    ]  # fmt: skip
    assert exchanges(30).shape == (statistics.DRAWS, 30) and least_p(30) == 1 / 10_001
    for clips in (1, 4):
        found = compare(resample(semantic(1, clips, 0.95)), resample(semantic(2, clips, 0.1)))["miou"]
        assert found.p == least_p(clips) == 2 / 2**clips


def test_holm_by_hand() -> None:
    """Steps: 4 x 0.01, 3 x 0.02 = 0.06, 2 x 0.025 = 0.05 -> 0.06, 0.4; and none above 1."""
    assert holm([0.02, 0.4, 0.01, 0.025]) == pytest.approx([0.06, 0.4, 0.04, 0.06])
    assert holm([0.6, 0.9]) == [1, 1] and holm([0.3]) == [0.3] and holm([]) == []


# Tables

NAMES = [TableRow(method=name, backbone="", supervision="", dataset="Scenes", key=(name, "", "s")) for name in "ABCD"]


def tables(clips: int) -> tuple[Any, Any]:
    samples = [resample(semantic(seed, clips, skill)) for seed, skill in enumerate((0.5, 0.8, 0.51, 0.2))]
    comparisons = comparison_table(NAMES, samples)
    return interval_table(NAMES, samples, comparisons), comparisons


def test_ranks_and_what_is_not_separable() -> None:
    table, comparisons = tables(20)
    some = table[table["figure"] == "mIoU"].set_index("method")
    assert list(some["rank"]) == [2, 1, 3, 4] or list(some["rank"]) == [3, 1, 2, 4]
    assert some.loc["B", "not separable from"] == some.loc["D", "not separable from"] == ""
    assert some.loc["A", "not separable from"] == str(some.loc["C", "rank"])
    assert (some["low"] < some["value"]).all() and (some["value"] < some["high"]).all()
    pairs = comparisons[comparisons["figure"] == "mIoU"].set_index(["method", "other method"])
    assert len(pairs) == 6 and list(pairs.index[~pairs["separable"].astype(bool)]) == [("A", "C")]
    assert pairs.loc[("A", "B"), "difference"] == pytest.approx(
        some.loc["A", "value"] - some.loc["B", "value"], abs=0.02
    )
    assert (pairs["Holm p"] >= pairs["p"]).all() and (pairs["p"] > 0).all()


def test_layouts() -> None:
    table, comparisons = tables(20)
    text, latex = intervals_to_markdown(table, comparisons, "Table"), intervals_to_latex(table, comparisons)
    assert "## Scenes (vspw, 20 clips)" in text and "too narrow" not in text and "cannot separate" not in text
    assert latex.count(r"\begin{tabular}") == 1 and "(2 " in latex and "nan" not in (text + latex).lower()
    listed = comparisons_to_markdown(comparisons, "Table")
    assert listed.count("| A ") + listed.count("| B ") + listed.count("| C ") == 6 + 6 - 3
    assert " *" in listed and "nan" not in listed.lower()
    latex = comparisons_to_latex(comparisons)
    assert latex.count(r"\begin{tabular}") == 1 and latex.count(r"\\") == 6 + 1 and " *" in latex


@pytest.mark.parametrize(
    ("clips", "said"), [(1, "One clip has no interval"), (4, "fewer than 5 clips are too narrow")]
)
def test_few_clips_are_said_to_be_few(clips: int, said: str) -> None:
    table, comparisons = tables(clips)
    for text in (
        intervals_to_markdown(table, comparisons, "T"),
        intervals_to_latex(table, comparisons),
        comparisons_to_markdown(comparisons, "T"),
    ):
        assert said in text and "cannot separate any two rows" in text and "[nan" not in text
    assert not comparisons["separable"].any()


def test_a_single_row_has_intervals_and_no_differences() -> None:
    samples = [resample(semantic(1, 6))]
    comparisons = comparison_table(NAMES[:1], samples)
    table = interval_table(NAMES[:1], samples, comparisons)
    assert comparisons.empty and set(table["rank"]) == {1} and set(table["not separable from"]) == {""}
    assert "##" not in comparisons_to_markdown(comparisons, "T") and "too narrow" not in intervals_to_markdown(
        table, comparisons, "T"
    )


def test_rows_of_other_data_sets_or_clips_are_not_paired() -> None:
    rows = [*NAMES[:2], NAMES[2].model_copy(update={"dataset": "Other"}), NAMES[3]]
    samples = [resample(semantic(1, n)) for n in (6, 6, 6, 7)]
    comparisons: Any = comparison_table(rows, samples)
    assert set(zip(comparisons["method"], comparisons["other method"], strict=True)) == {("A", "B")}


# The stage


def table_job(folder: Path, rows: dict[str, list[ClipScores]]) -> TableJob:
    """The job of a table whose rows are scored."""
    shown = []
    for name, scores in rows.items():
        path = folder / "scores" / f"{name}.json"
        save_clips(path.with_suffix(".npz"), scores)
        write_scores(path, pool(scores), scores)
        shown.append(NAMES[0].model_copy(update={"method": name, "key": (name, "", "s"), "scores": str(path)}))
    return TableJob(title="Table", rows=tuple(shown), csv=str(folder / "table.csv"))


def test_the_stage_writes_what_it_names_in_any_order_of_clips(tmp_path: Path) -> None:
    rows = {"Ours": semantic(1, 6, 0.9), "Copied": semantic(2, 6, 0.4)}
    job = table_job(tmp_path / "a", rows)
    run_table(job)
    assert sorted(map(str, (tmp_path / "a").glob("*.*"))) == sorted(job.outputs()) and len(job.outputs()) == 11
    table: Any = pd.read_csv(job.csv).set_index("method")
    intervals: Any = pd.read_csv(job.intervals)
    named = zip(intervals["method"], intervals["figure"], strict=True)
    assert list(intervals["value"]) == [table.loc[place] for place in named]
    assert (intervals["low"] < intervals["value"]).all() and (intervals["value"] < intervals["high"]).all()
    compared: Any = pd.read_csv(job.comparisons).set_index("figure")
    assert compared.loc["mIoU", "separable"] and compared.loc["mIoU", "p"] == pytest.approx(2 / 2**6, abs=1e-4)
    again = table_job(tmp_path / "b", {name: scores[::-1] for name, scores in rows.items()})
    run_table(again)
    for one, other in ((job.intervals, again.intervals), (job.comparisons, again.comparisons)):
        assert Path(one).read_bytes() == Path(other).read_bytes()


def test_scores_without_their_parts_are_named(tmp_path: Path) -> None:
    job = table_job(tmp_path, {"Ours": semantic(1, 3)})
    (tmp_path / "scores" / "Ours.npz").unlink()
    with pytest.raises(InputError, match=r"Ours\.npz: no file of the scores of clips .*score again"):
        run_table(job)
