"""The report: pages, Snakemake's file of them made without a network, and that file in a real browser."""

from __future__ import annotations

import base64
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd
import pytest

from browser import Browser, find_browser, wait_for
from miniatures import moving_shapes, write_clvos
from test_config import shipped
from workflow_copy import ROOT, copy_workflow, snakemake, write_config
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import Cost, cost_path
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.jobs.base import DataSetSpec, Parts
from zeroshot_vss.jobs.baseline import BaselineJob
from zeroshot_vss.jobs.check import CheckJob
from zeroshot_vss.provenance.code import code_digest
from zeroshot_vss.report.job import RowOverlayJob, RowTitle
from zeroshot_vss.report.page import LONGEST, fill, write_page
from zeroshot_vss.report.player import HEIGHT, player_page, rendition
from zeroshot_vss.report.runs import runs_page, stage_run
from zeroshot_vss.report.tables import clip_tables, clips_page, from_markdown
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.stages import baseline, check, row_overlay
from zeroshot_vss.tables.efficiency import EfficiencyRow
from zeroshot_vss.workflow.plan import Plan

FRAMES, CLIPS = 9, 2
OVERLAY = {
    "compute": {"device": "cpu", "threads": 1, "clips_per_job": 2},
    "datasets": {"scenes": {"options": {"split": "validation", "count": CLIPS, "frames": FRAMES}}},
    "tables": {"table1": {"methods": ["first-frame"]}},
    "overview": {"clips": 1, "frames": [0, 8], "methods": ["first-frame"]},
}
"""A method without a model: a run of seconds."""
SHOWN = ("pages", "results/table1-intervals.png")
NO_NETWORK: dict[str, Any] = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")


# Pages


def test_markdown_becomes_tables_and_nothing_else() -> None:
    html = from_markdown("# T & U\n\n| a | b |\n|:--|--:|\n| <script>x</script> | 1.5 |\n")
    assert "<h1>T &amp; U</h1>" in html and html.count("<td") == 2 and "1.5" in html
    assert "<script>" not in html and "&lt;script&gt;" in html


def title(method: str, dataset: str = "own") -> RowTitle:
    return RowTitle(method=method, backbone="small" if method == "Ours" else "", dataset=dataset)


def test_clips_stand_beside_each_other() -> None:
    scores = [
        pd.DataFrame({"clip": ["a", "b"], "frames": [3, 4], "miou": [0.5, 0.25], "mvc8": [None, None]}),
        pd.DataFrame({"clip": ["a", "b"], "frames": [3, 4], "miou": [0.125, None], "mvc8": [1.0, None]}),
        pd.DataFrame({"clip": ["c"], "frames": [5], "j_and_f": [0.75], "miou_clip_mean": [0.1]}),
    ]
    tables = clip_tables([title("Kept <&>"), title("Ours"), title("Ours", "other")], scores)
    assert list(tables) == [("own", "mIoU"), ("own", "mVC8"), ("other", "J&F")]
    first = tables["own", "mIoU"]
    assert list(first.columns) == ["Kept <&>", "Ours, small"]
    assert first.loc[("a", 3)].tolist() == [50, 12.5] and np.isnan(first.loc[("b", 4), "Ours, small"])  # pyright: ignore
    html = clips_page("A table", tables)
    assert "Kept &lt;&amp;&gt;" in html and "<td class=n>12.5" in html and "nan" not in html


def test_a_long_page_is_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_page(tmp_path / "short.html", "short", fill("{{ text }}", text="<b>"))
    assert "&lt;b&gt;" in (tmp_path / "short.html").read_text() and capsys.readouterr().err == ""
    write_page(tmp_path / "long.html", "long", fill("{{ text }}", text="x" * LONGEST))
    assert "results/report.zip" in capsys.readouterr().err


# Videos


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six frames of 480 x 640 with much noise, at 10 a second."""
    rng = np.random.default_rng(0)
    frames, _ = moving_shapes(6, (480, 640), rng)
    noisy = np.clip(frames + rng.normal(0, 20, frames.shape), 0, 255).astype(np.uint8)
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with VideoWriter(path, 10) as writer:
        writer.write(noisy)
    return path


def test_videos_that_fit_stay_as_they_are_and_others_shrink(film: Path, tmp_path: Path) -> None:
    size = film.stat().st_size
    assert rendition(film, size) == film.read_bytes()
    small = rendition(film, size // 6)
    assert small is not None and len(small) <= size // 6
    (tmp_path / "small.mp4").write_bytes(small)
    with av.open(str(tmp_path / "small.mp4")) as video:
        assert video.streams.video[0].average_rate == 10
        shapes = [(frame.height, frame.width) for frame in video.decode(video=0)]
    assert shapes == [(HEIGHT, 480)] * 6
    assert rendition(film, 100) is None


def test_the_player_names_its_colours(tmp_path: Path) -> None:
    film = tmp_path / "film.mp4"
    with VideoWriter(film, 10) as writer:
        writer.write(moving_shapes(2, (32, 48), np.random.default_rng(0))[0])
    legend = [("<road>", np.array([1, 2, 3], np.uint8))]
    html = player_page("A film", film, legend)
    (data,) = re.findall(r'src="data:video/mp4;base64,([^"]+)"', html)
    assert base64.b64decode(data) == film.read_bytes()
    assert "rgb(1, 2, 3)" in html and "&lt;road&gt;" in html


def label(root: Path, spec: DataSetSpec, clips: tuple[str, ...]) -> Path:
    """Label maps by the baseline that copies; their manifest."""
    checked: Any = {kind: str(root / "checked" / "own" / f"0000.{kind}.json") for kind in ("frames", "masks")}
    check.run(CheckJob(dataset=spec, clips=clips, **checked))
    maps, modules = root / "baselines" / "own" / "kind" / "0000.json", ("zeroshot_vss.stages.baseline",)
    job = BaselineJob(
        dataset=spec, clips=clips, settings=Baseline(kind="first-frame"), **checked, manifest=str(maps),
        modules=modules, code=code_digest(*modules),
    )  # fmt: skip
    baseline.run(job)
    return maps


def test_clips_with_few_masks_show_the_labelled_frames_slowly(tmp_path: Path) -> None:
    write_clvos(tmp_path, ["car"], frames=8, every=3, size=(30, 41), rng=np.random.default_rng(0))
    spec = DataSetSpec(name="own", kind="clvos", options={"root": str(tmp_path)})
    video, page = tmp_path / "new" / "car.mp4", tmp_path / "new" / "car.html"
    job = RowOverlayJob(
        dataset=spec, clips=("car",), method="First frame copied", fps=None, opacity=1.0,
        maps=str(label(tmp_path, spec, ("car",))), video=str(video), page=str(page),
    )  # fmt: skip
    row_overlay.run(job)
    with av.open(str(video)) as opened:
        assert opened.streams.video[0].average_rate == row_overlay.FPS_OF_FEW
        pictures = [frame.to_ndarray(format="rgb24") for frame in opened.decode(video=0)]
    # Frames 0, 3, 6 and the last; odd sides grow by one.
    assert len(pictures) == 4 and pictures[0].shape == (30, 42, 3)
    text = page.read_text()
    assert "First frame copied: car of own" in text and "object 1" in text and "background" in text


def test_runs_say_what_they_took(tmp_path: Path) -> None:
    spec = DataSetSpec(name="own", kind="scenes", options={"split": "train", "count": 2, "frames": 2})
    manifest = label(tmp_path, spec, ("scene-0000", "scene-0001"))
    for name, seconds in (("scene-0000", 1.0), ("scene-0001", 3.0)):
        path = cost_path(manifest.parent / f"{name}.h5")
        path.write_text(Cost(seconds=seconds, host_gib=seconds, gpu_gib=None).model_dump_json())
    parts = Parts(folder=str(manifest.parent), parts=("0000",))
    run = stage_run("baseline", [manifest])
    assert (run.clips, run.seconds, run.seconds_a_clip, run.host, run.gpu) == (2, 4.0, 2.0, 3.0, None)
    assert dict(run.facts)["setting kind"] == '"first-frame"' and "differ" not in dict(run.facts)
    rows = [(EfficiencyRow(method="Kept", backbone="", dataset="own", stages={"baseline": parts}), [run])]
    rows.append((EfficiencyRow(method="Other", backbone="", dataset="own", stages={}), []))
    html = runs_page("A table", rows)
    assert "<summary>Kept, on\n own</summary>" in html and "torch" in html and "Predictions of another" in html
    path.unlink()
    assert stage_run("baseline", [manifest]).seconds is None


def test_the_reports_videos() -> None:
    pages = Plan(read_config(merge(shipped(), OVERLAY))).pages
    assert pages.videos() == [f"results/overlays/scenes/first-frame/scene-000{i}.html" for i in range(2)]


@pytest.mark.parametrize(
    ("dataset", "row", "clip", "message"),
    [
        ("scenes", "first-frame", "scene-0009", "the row 'first-frame' has no label maps of a clip 'scene-0009'"),
        ("kitti", "first-frame", "scene-0000", "no data set 'kitti'; known: scenes"),
        ("scenes", "magic@scenes-tiny", "scene-0000", "no method 'magic'; known: first-frame"),
        ("scenes", "ours@sd9", "scene-0000", "no backbone 'sd9'; known: scenes-tiny"),
        ("scenes", "ours", "scene-0000", "no row 'ours'; call it 'ours@<backbone>'"),
        ("scenes", "first-frame@scenes-tiny", "scene-0000", "call it 'first-frame'"),
    ],
)
def test_videos_of_what_does_not_exist(dataset: str, row: str, clip: str, message: str) -> None:
    plan = Plan(read_config(merge(shipped(), OVERLAY)))
    with pytest.raises(InputError, match=message):
        plan.target(f"results/overlays/{dataset}/{row}/{clip}.mp4")


# Snakemake's file of them


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run with its report, made without a network."""
    folder = copy_workflow(tmp_path_factory.mktemp("report") / "run")
    if not (folder / "report").is_dir():
        shutil.copytree(ROOT / "report", folder / "report")
    write_config(folder, OVERLAY)
    done = snakemake(folder, *SHOWN, **NO_NETWORK)
    assert done.returncode == 0, done.stdout
    done = snakemake(folder, *SHOWN, options=("--report", "results/report.html"), **NO_NETWORK)
    assert done.returncode == 0 and "downloading" not in done.stdout, done.stdout
    return folder


def embedded(run: Path, name: str) -> Any:
    """A variable of the report's script."""
    text = (run / "results" / "report.html").read_text()
    actual = re.search(rf'<script id="[a-z-]+">\s*var {name} = ', text)
    assert actual is not None
    return json.JSONDecoder().raw_decode(text, actual.end())[0]


def test_the_report_holds_every_marked_file(run: Path) -> None:
    results, categories = embedded(run, "results"), embedded(run, "categories")
    assert {"Tables", "Scores of each clip", "Settings, versions and times", "Videos"} <= set(categories)
    stems = [f"results/overlays/scenes/first-frame/scene-000{i}" for i in range(CLIPS)]
    pages = [f"results/report/table1{part}.html" for part in ("", "-clips", "-runs")]
    tables = ["results/table1.csv", "results/table1.tex", "results/table1-intervals.png"]
    assert {*tables, *pages, *(stem + end for stem in stems for end in (".mp4", ".html"))} <= set(results)
    for path, result in results.items():
        data = result["data_uri"].partition("base64,")[2]
        assert base64.b64decode(data) == (run / path).read_bytes(), path
        assert result["caption"] and result["labels"], path
    assert "Table 1: comparison of methods" in results["results/table1.csv"]["caption"]
    text = embedded(run, "workflow_desc")
    assert "Zero-shot video semantic segmentation" in text and "models/scenes-tiny" in text


def test_every_page_stands_alone(run: Path) -> None:
    for path in (*(run / "results" / "report").iterdir(), *(run / "results" / "overlays").rglob("*.html")):
        text = path.read_text()
        assert path.stat().st_size <= LONGEST
        assert not re.findall(r'(?:src|href)="(?!data:)', text), path
    assert re.search(r"<td class=n>\d", (run / "results" / "report" / "table1-clips.html").read_text())
    assert "intervals and ranks</h1>" in (run / "results" / "report" / "table1.html").read_text()


def test_scores_and_settings_are_those_of_the_run(run: Path) -> None:
    scores: Any = pd.read_csv(run / "results" / "scores" / "scenes" / "first-frame.csv")
    text = (run / "results" / "report" / "table1-clips.html").read_text()
    for value in scores["miou"]:
        assert f"<td class=n>{100 * value:.1f}" in text
    runs = (run / "results" / "report" / "table1-runs.html").read_text()
    assert "setting kind" in runs and "as it is now" in runs and "scikit-learn" in runs
    measured: Any = pd.read_csv(run / "results" / "table1.csv")
    page = (run / "results" / "report" / "table1.html").read_text()
    assert f"{measured['mIoU'][0]:.1f}</td>" in page


# In a browser


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    executable = find_browser()
    if executable is None:
        pytest.skip("no Chromium here; `apt-get install chromium` (or google-chrome) runs this test")
    with Browser(executable, tmp_path / "profile") as opened:
        yield opened


def click(browser: Browser, text: str) -> None:
    """The entry of the report's menu with these words."""
    entry = f"[...document.querySelectorAll('nav a')].find(a => a.innerText.trim() === {json.dumps(text)})"
    wait_for(lambda: browser.run(f"(() => {{ const a = {entry}; a?.click(); return Boolean(a) }})()"))


def look_at(browser: Browser, *texts: str) -> str:
    """Click the eye of the only result with these words; returns the frame that shows it."""
    rows = "[...document.querySelectorAll('nav tbody tr')]"
    chosen = f"{rows}.filter(row => {json.dumps(texts)}.every(word => row.innerText.includes(word)))"
    wait_for(lambda: browser.run(f"{chosen}.length") == 1)
    browser.run(f"{chosen}[0].querySelector('a[iconname=eye]').click()")
    return wait_for(browser.frame)


def test_tables_scores_and_a_video_show(run: Path, browser: Browser, tmp_path: Path) -> None:
    browser.open(run / "results" / "report.html")
    wait_for(lambda: "Zero-shot video" in browser.run("document.body.innerText"))
    click(browser, "Tables")
    frame = look_at(browser, "Table 1", "page")
    wait_for(lambda: "First frame copied" in browser.run("document.body.innerText", frame))
    heads = browser.run("[...document.querySelector('thead').querySelectorAll('th')].map(th => th.innerText)", frame)
    cells = browser.run("[...document.querySelector('tbody tr').children].map(cell => cell.innerText)", frame)
    shown = dict(zip(heads, cells, strict=True))["mIoU"]
    measured: Any = pd.read_csv(run / "results" / "table1.csv")
    assert float(shown) == pytest.approx(measured["mIoU"][0], abs=0.06)
    browser.screenshot(tmp_path / "table.png")

    click(browser, "Results")
    click(browser, "Scores of each clip")
    frame = look_at(browser, "Table 1")
    wait_for(lambda: "scene-0001" in browser.run("document.body.innerText", frame))

    click(browser, "Results")
    click(browser, "Leaderboards")
    frame = look_at(browser, "Table 1")
    wait_for(lambda: "made here" in browser.run("document.body.innerText", frame))
    # Nothing lies beside the page here: clips are named without links.
    assert browser.run("document.querySelector('td.clips').innerText", frame) == "scene-0000, scene-0001"
    assert browser.run("document.querySelectorAll('a.player').length", frame) == 0

    click(browser, "Results")
    click(browser, "Videos")
    frame = look_at(browser, "scene-0001")
    figures = "v && [v.videoWidth, v.duration, v.currentTime]"
    state = f"(() => {{ const v = document.querySelector('video'); return {figures} }})()"
    wait_for(lambda: (browser.run(state, frame) or [0, 0, 0])[2] > 0)
    width, duration, _ = browser.run(state, frame)
    assert width == 192 and duration == pytest.approx(FRAMES / row_overlay.FPS, abs=0.05)
    browser.screenshot(tmp_path / "video.png")

    click(browser, "Results")
    click(browser, "Statistics")
    wait_for(lambda: browser.run("document.querySelectorAll('#runtimes canvas, #runtimes svg').length"))
    assert browser.requests == [] and browser.faults == []


@pytest.mark.parametrize(("more", "shows"), [(0, True), (1000, False)])
def test_the_longest_page_that_is_shown(browser: Browser, tmp_path: Path, more: int, shows: bool) -> None:
    """Longer ones stay blank, which is why videos shrink."""
    page = "<p>here</p>".ljust(LONGEST + more)
    address = f"data:text/html;charset=utf8;filename=a.html;base64,{base64.b64encode(page.encode()).decode()}"
    (tmp_path / "outer.html").write_text(f'<iframe src="{address}"></iframe>')
    browser.open(tmp_path / "outer.html")
    text = wait_for(lambda: browser.run("document.body ? document.body.innerHTML || '-' : ''", browser.frame()))
    assert ("here" in text) == shows
