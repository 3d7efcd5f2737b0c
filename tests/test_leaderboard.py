"""The leaderboard: what the page says, and sorting it in a real browser without a network."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser import Browser, opened, wait_for
from test_config import shipped
from test_statistics import semantic
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.entries.folder import CheckedPredictions, write_checked
from zeroshot_vss.entries.index import Entry
from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.metrics.protocols.base import pool
from zeroshot_vss.metrics.scores import ClipScores, save_clips
from zeroshot_vss.metrics.scoring import write_scores
from zeroshot_vss.player.page import read_player
from zeroshot_vss.report.job import LeaderboardJob, LeaderboardRow, PlayerRow, TablePlayerJob
from zeroshot_vss.report.leaderboard import PAGE_FILES, status_of
from zeroshot_vss.stages import leaderboard, table, table_player
from zeroshot_vss.tables.intervals_figure import read_statistics
from zeroshot_vss.tables.quality import TableJob, TableRow
from zeroshot_vss.workflow.plan import Plan

ODD = 'Ours <b>&"'
ENTRY = Entry.model_validate(
    {"model-index": [{"name": "A system", "results": [{"dataset": {"name": "s", "protocol": "vspw"},
                                                       "metrics": [{"type": "miou", "value": 0.5}]}]}],
     "license": "MIT", "url": "javascript:alert(1)"}
)  # fmt: skip
FILES = {"a/b.png": "0" * 64}
CHECKED = {
    "Seen": CheckedPredictions(folder="/seen", index=ENTRY, files=FILES),
    "Unseen": CheckedPredictions(folder="/unseen", index=None, files=FILES),
}


def without_vc16(scores: list[ClipScores]) -> list[ClipScores]:
    return [ClipScores(c.clip, c.protocol, c.frames, {**c.arrays, "vc16": np.zeros(0)}) for c in scores]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> LeaderboardJob:
    """A table of four rows on twenty clips and one on another data set, and its leaderboard."""
    folder = tmp_path_factory.mktemp("board") / "results"
    rows = {ODD: semantic(0, 20, 0.5), "Seen": semantic(1, 20, 0.8), "Unseen": semantic(2, 20, 0.51),
            "Bad": without_vc16(semantic(3, 20, 0.2)), "Other": semantic(4, 3, 0.6)}  # fmt: skip
    shown, listed = [], []
    for name, scores in rows.items():
        path = folder / "scores" / f"{name[:4]}.json"
        save_clips(path.with_suffix(".npz"), scores)
        write_scores(path, pool(scores), scores)
        dataset = "Few" if name == "Other" else "Many"
        shown.append(TableRow(method=name, backbone="", supervision="none", dataset=dataset, key=(name, "", "s"),
                              scores=str(path)))  # fmt: skip
        found = folder / f"{name[:4]}-found.json"
        if name in CHECKED:
            write_checked(found, CHECKED[name])
        listed.append(LeaderboardRow(
            method=name, backbone="", dataset=dataset, supervision="none", stages={}, scores=str(path),
            checked=str(found) if name in CHECKED else None,
            players={"a clip": str(folder / "players" / "t" / "s" / "a clip.html")},
        ))  # fmt: skip
    job = TableJob(title="Table", rows=tuple(shown), csv=str(folder / "t.csv"))
    table.run(job)
    board = LeaderboardJob(
        title="A board", rows=tuple(listed), intervals=job.intervals, comparisons=job.comparisons,
        page=str(folder / "t-leaderboard.html"),
    )  # fmt: skip
    leaderboard.run(board)
    return board


def test_the_page_says_what_is_known(made: LeaderboardJob) -> None:
    text = Path(made.page).read_text()
    assert "<b>" not in text and "://" not in text and 'src="' not in text
    assert text.count("javascript:") == 1  # as text
    assert text.count(">verified</td>") == text.count(">unverified</td>") == 1 and text.count(">made here</td>") == 3
    assert "Many (vspw, 20 clips)" in text and "Few (vspw, 3 clips)" in text and "fewer than 5 clips" in text
    assert "A system" in text and "miou 0.5" in text and "it has no model-index.yml" in text
    # SHA-256 over the one line of sha256sum.
    assert CHECKED["Seen"].digest in text and "nan" not in text.lower()
    links = set(re.findall(r'href="([^"#]+)"', text))
    assert links == {"players/t/s/a clip.html"}
    assert [status_of(None), *map(status_of, CHECKED.values())] == ["made here", "verified", "unverified"]


def test_the_pages_files_are_shipped() -> None:
    settings = (Path(__file__).parent.parent / "pyproject.toml").read_text()
    assert {Path(name).suffix for name in PAGE_FILES} == {".html", ".css", ".js"}
    assert '"zeroshot_vss.report" = ["*.html", "*.css", "*.js"]' in settings


@pytest.fixture
def browser(tmp_path: Path, made: LeaderboardJob) -> Iterator[Browser]:
    with opened(Path(made.page), tmp_path) as browser:
        yield browser
        assert browser.faults == [] and browser.requests == []


def column(browser: Browser, name: str) -> list[str]:
    """Texts of a column of the first table, from top to bottom."""
    find = "const t = document.querySelector('table.board'), h = [...t.tHead.rows[0].cells]"
    place = f"h.findIndex(c => c.innerText.trim().startsWith({name!r}))"
    return browser.run(
        f"(() => {{ {find}, i = {place}; return [...t.tBodies[0].rows].map(r => r.cells[i].innerText) }})()"
    )


def click(browser: Browser, name: str) -> None:
    heads = "[...document.querySelector('table.board').querySelectorAll('th button')]"
    browser.run(f"{heads}.find(b => b.innerText.trim().startsWith({name!r})).click()")


def test_a_click_on_a_head_sorts(browser: Browser, made: LeaderboardJob, tmp_path: Path) -> None:
    known: Any = read_statistics(Path(made.intervals))
    many = known[known["data set"] == "Many"]
    browser.screenshot(tmp_path / "board.png")
    for figure, up in (("mIoU", False), ("boundary F", False), ("boundary F", True), ("mVC16", False)):
        if (figure, up) != ("mIoU", False):  # as it opens
            click(browser, figure)
        some = many[many["figure"] == figure].sort_values("value", ascending=up)
        left = [] if len(some) == 4 else ["Bad"]  # without the figure
        assert column(browser, "system") == [*some["method"], *left]
        ranks = [f"{rank} ~ {alike}" if alike else str(rank)
                 for rank, alike in zip(some["rank"], some["not separable from"], strict=True)]  # fmt: skip
        assert column(browser, "rank in " + figure) == [*ranks, *([""] if left else [])]
        cells = [
            f"{v:.1f} [{low:.1f}, {high:.1f}]"
            for v, low, high in zip(some["value"], some["low"], some["high"], strict=True)
        ]
        assert [text.strip() for text in column(browser, figure)][: len(cells)] == cells
    marked = "[...document.querySelectorAll('tr.first')].map(row => row.cells[1].innerText)"
    assert "Other" in browser.run(marked)
    click(browser, "system")
    assert column(browser, "system") == sorted(column(browser, "system"), key=str.lower)


def test_separable_rows_alone_are_not_marked(browser: Browser, made: LeaderboardJob) -> None:
    """By mIoU the best row is separable from all others, and the second and third are not from each other."""
    marked = (
        "[...document.querySelector('table.board').querySelectorAll('tr.first')].map(row => row.cells[1].innerText)"
    )
    assert browser.run(marked) == ["Seen"]
    assert column(browser, "rank in mIoU") == ["1", "2 ~ 3", "3 ~ 2", "4"]


def test_a_click_on_a_system_opens_its_origin(browser: Browser) -> None:
    browser.run("[...document.querySelectorAll('a.row')].find(a => a.innerText === 'Seen').click()")
    opened = wait_for(lambda: browser.run("document.querySelector('details[open]')?.innerText"))
    assert "every label map is what model-index.yml says" in opened and "MIT" in opened and "SHA-256" in opened


# The workflow


def planned(folder: Path) -> Plan:
    values: dict[str, Any] = {
        "datasets": {"scenes": {"options": {"split": "validation", "count": 3, "frames": 2}}},
        "methods": {"dvis": {"predictions": {"scenes": str(folder)}}},
        "tables": {"table1": {"methods": ["first-frame", "dvis"]}},
    }
    return Plan(read_config(merge(shipped(), values)))


def test_the_job_reads_players_scores_and_checks(tmp_path: Path) -> None:
    plan = planned(tmp_path)
    job = plan.target("results/table1-leaderboard.html").job
    assert isinstance(job, LeaderboardJob) and job.outputs() == ["results/table1-leaderboard.html"]
    players = [f"results/players/table1/scenes/scene-000{place}.html" for place in range(2)]
    assert {"results/table1-intervals.csv", "results/scores/scenes/dvis.json", *players} <= set(job.inputs())
    assert "results/predictions/scenes/dvis.json" in job.inputs() and job.rows[1].stages == {}
    assert "results/table1-leaderboard.html" in plan.pages.names(["table1"])
    player = plan.target(players[0]).job
    assert isinstance(player, TablePlayerJob)
    assert [(bool(row.maps), row.predictions) for row in player.rows] == [(True, None), (False, str(tmp_path))]


def test_other_tables_have_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="table 'table4' is of kind 'efficiency'; only tables of kind 'quality'"):
        planned(tmp_path).target("results/table4-leaderboard.html")


def test_the_player_shows_predictions(tmp_path: Path) -> None:
    spec = DataSetSpec(name="scenes", kind="scenes", options={"split": "train", "count": 1, "frames": 3})
    dataset = open_dataset("scenes", spec.options)
    (name,) = dataset.clips()
    clip = dataset.clip(name)
    maps = np.random.default_rng(0).integers(0, 3, (3, *clip.size), np.uint8)
    (tmp_path / "dvis" / name).mkdir(parents=True)
    for index, labels in enumerate(maps):
        Image.fromarray(labels).save(tmp_path / "dvis" / name / f"{clip.frame_name(index)}.png")
    row = PlayerRow(title="DVIS", predictions=str(tmp_path / "dvis"))
    job = TablePlayerJob(
        title="T", dataset=spec, clips=(name,), rows=(row,), fps=None, page=str(tmp_path / "player.html")
    )
    table_player.run(job)
    shown = read_player(Path(job.page))
    assert [method["title"] for method in shown["methods"]] == ["DVIS"]
    for index, packed in enumerate(shown["methods"][0]["maps"]):
        stored = np.frombuffer(zlib.decompress(base64.b64decode(packed)), np.uint8)
        assert (stored.reshape(shown["height"], shown["width"]) == maps[index]).all()
