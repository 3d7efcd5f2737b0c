"""The player: one page, opened from disk in a real browser without a network, by clicking."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from array_clip import ArrayClip
from browser import Browser, opened, wait_for
from zeroshot_vss.clips.naming import Naming
from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.player.page import write_player

FRAMES, HEIGHT, WIDTH = 6, 61, 91


class GreyClip(ArrayClip):
    """Frame t is of grey level 30 t."""

    def frames(self, indices: Any) -> Frames:
        levels = 30 * np.array(indices, np.uint8)[:, None, None, None]
        return np.broadcast_to(levels, (len(indices), *self.size, 3)).copy()


def result(shift: int) -> ClipResult:
    """Label 1 above, 4 below; a bar of label 7 at the left, 10 pixels wide in the first frame and 10 more in each."""
    maps = np.full((FRAMES, HEIGHT, WIDTH), 1, np.uint8)
    maps[:, 30:] = 4
    for frame, labels in enumerate(maps):
        labels[:, : 10 * (frame + 1) + shift] = 7
    return ClipResult(GreyClip("swan", list(maps)), maps, Naming.of({1: "sky </script>", 9: "swan", 7: "swan"}))


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "player.html"
    write_player(path, "swan", [("Ours", result(0)), ("EmerDiff", result(5))], fps=5)
    return path


def test_the_page_needs_nothing_beside_it(page: Path) -> None:
    text = page.read_text()
    assert "sky </script>" not in text and "http" not in text.replace("http-equiv", "")
    assert text.count("<script") == 2 and 'src="' not in text


@pytest.fixture
def browser(tmp_path: Path, page: Path) -> Iterator[Browser]:
    with opened(page, tmp_path) as browser:
        wait_for(lambda: browser.run("document.body.dataset.drawn") == "0")
        yield browser
        assert browser.faults == [] and browser.requests == []


def pixel(browser: Browser, view: int, y: int, x: int) -> list[int]:
    """RGB of a pixel that a view shows."""
    context = f"document.querySelectorAll('canvas')[{view}].getContext('2d')"
    return browser.run(f"[...{context}.getImageData({x}, {y}, 1, 1).data].slice(0, 3)")


def close(seen: list[int], meant: Any, most: int = 8) -> bool:
    return bool((np.abs(np.array(seen) - np.array(meant)) <= most).all())


def go(browser: Browser, frame: int) -> None:
    browser.run(f"(() => {{ const s = document.getElementById('slider'); s.value = {frame}; s.oninput(); }})()")
    wait_for(lambda: browser.run("document.body.dataset.drawn") == str(frame))


def mixed(label: int, grey: int, opacity: float = 0.45) -> np.ndarray:
    return (1 - opacity) * grey + opacity * result(0).legend.colours[label].astype(float)


def test_methods_side_by_side_with_one_slider(browser: Browser) -> None:
    assert browser.run("[...document.querySelectorAll('figcaption')].map(e => e.textContent)") == ["Ours", "EmerDiff"]
    assert close(pixel(browser, 0, 10, 5), mixed(7, 0)) and close(pixel(browser, 0, 10, 80), mixed(1, 0))
    # Twelve pixels from the left the second method has label 7, the first has not.
    assert close(pixel(browser, 0, 50, 12), mixed(4, 0)) and close(pixel(browser, 1, 50, 12), mixed(7, 0))
    go(browser, 3)
    assert browser.run("document.getElementById('counter').value") == "4 / 6"
    for view in (0, 1):
        assert close(pixel(browser, view, 50, 36), mixed(7, 90))
        assert close(pixel(browser, view, 50, 80), mixed(4, 90))
    assert close(pixel(browser, 0, 60, 90), mixed(4, 90))  # the last pixel of odd sides


def test_clusters_are_switched_on_and_off(browser: Browser) -> None:
    browser.run("document.querySelector('li[data-label=\"4\"] input[type=checkbox]').click()")
    wait_for(lambda: close(pixel(browser, 0, 50, 80), [0, 0, 0]))
    assert close(pixel(browser, 0, 10, 80), mixed(1, 0))
    # A click on the picture switches the label there.
    browser.run(
        """(() => { const c = document.querySelector('canvas'), b = c.getBoundingClientRect();
        c.dispatchEvent(new MouseEvent('click', {clientX: b.left + b.width * 0.9, clientY: b.top + b.height * 0.2}));
        })()"""
    )
    wait_for(lambda: close(pixel(browser, 0, 10, 80), [0, 0, 0]))
    browser.run("document.getElementById('all').click()")
    wait_for(lambda: close(pixel(browser, 0, 50, 80), mixed(4, 0)))


def test_opacity(browser: Browser) -> None:
    go(browser, 2)
    browser.run("(() => { const o = document.getElementById('opacity'); o.value = 100; o.oninput(); })()")
    wait_for(lambda: close(pixel(browser, 0, 50, 80), mixed(4, 60, 1.0)))
    browser.run("(() => { const o = document.getElementById('opacity'); o.value = 0; o.oninput(); })()")
    wait_for(lambda: close(pixel(browser, 0, 50, 80), [60, 60, 60]))


def test_names_and_merging_are_saved(browser: Browser) -> None:
    """What is downloaded is what the workflow reads."""
    browser.run(
        "window.saved = null; URL.createObjectURL = blob => { blob.text().then(t => window.saved = t); return '#'; }"
    )
    rename = """(() => { const n = document.querySelector('li[data-label="%d"] input[type=text]');
                n.value = '%s'; n.dispatchEvent(new Event('change')); })()"""
    browser.run(rename % (7, "goose"))
    browser.run(
        """(() => { const m = document.querySelector('li[data-label="4"] select');
        m.value = '7'; m.dispatchEvent(new Event('change')); })()"""
    )
    wait_for(lambda: close(pixel(browser, 0, 50, 80), mixed(7, 0)))  # 4 has the colour of 7 now
    assert browser.run("document.querySelectorAll('#legend li').length") == 2
    browser.run("document.getElementById('save').click()")
    saved = json.loads(wait_for(lambda: browser.run("window.saved")))
    assert saved == {"1": "sky </script>", "4": "goose", "7": "goose", "9": "goose"}  # 9 was merged before
    naming = Naming.of({int(label): name for label, name in saved.items()})
    assert naming.apply(np.array([1, 4, 7], np.uint8)).tolist() == [1, 4, 4]
    # One name more merges, and a merged one can be split.
    browser.run(rename % (1, "goose"))
    assert browser.run("document.querySelectorAll('#legend li').length") == 1
    browser.run(
        """(() => { const m = document.querySelector('li[data-label="7"] select');
        m.value = 'split'; m.dispatchEvent(new Event('change')); })()"""
    )
    assert browser.run("document.querySelectorAll('#legend li').length") == 3


def test_it_plays(browser: Browser) -> None:
    browser.run("document.getElementById('play').click()")
    wait_for(lambda: browser.run("document.body.dataset.drawn") == "5")
    assert close(pixel(browser, 0, 50, 85), mixed(4, 150))
