"""An extension is one file and one line: the examples of the documentation are run as they stand there."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from array_clip import ArrayClip
from test_config import shipped
from zeroshot_vss.classifiers import CLASSIFIERS
from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.datasets import DATASETS, open_dataset
from zeroshot_vss.errors import InputError
from zeroshot_vss.metrics.protocols import PROTOCOLS
from zeroshot_vss.metrics.protocols.base import get_protocol, pool
from zeroshot_vss.metrics.scoring import score_clip
from zeroshot_vss.registry import Registry
from zeroshot_vss.settings.upsampling import Upsampling
from zeroshot_vss.tables.quality import TableRow, long_table
from zeroshot_vss.upsamplers import UPSAMPLERS
from zeroshot_vss.upsamplers.base import Resources, make_upsampler
from zeroshot_vss.workflow.plan import Plan

DOCS = Path(__file__).parent.parent / "docs"


def install(page: str, which: int, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> str:
    """Define the page's example and enter it by the page's line; returns its name."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)
    source, line = blocks[2 * which : 2 * which + 2]
    name, place = re.fullmatch(r'"(.*)": "(.*)",\n', line).groups()  # pyright: ignore[reportOptionalMemberAccess]
    module = types.ModuleType(place.partition(":")[0])
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(source, page, "exec"), vars(module))
    monkeypatch.setitem(registry._entries, name, place)
    return name


def test_a_data_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = install("adding-a-data-set.md", 0, DATASETS, monkeypatch)
    for clip in ("garden", "home-1"):
        for kind in ("frames", "masks"):
            (tmp_path / clip / kind).mkdir(parents=True)
        for frame in range(2):
            Image.new("RGB", (6, 4), (frame, 0, 0)).save(tmp_path / clip / "frames" / f"{frame}.jpg")
            Image.fromarray(np.full((4, 6), frame, np.uint8)).save(tmp_path / clip / "masks" / f"{frame}.png")
    data = open_dataset(name, {"root": str(tmp_path)})
    assert data.clips() == ["garden", "home-1"] and data.clip("garden").labels(1).tolist() == [[1] * 6] * 4  # pyright: ignore
    assert open_dataset(name, {"root": str(tmp_path), "indoors": False}).clips() == ["garden"]
    mine = {"kind": name, "title": "Cats", "protocol": "vspw", "options": {"root": str(tmp_path)}}
    plan = Plan(read_config(merge(shipped(), {"datasets": {"mine": mine}})))
    # The example is no file, whose code could be digested.
    monkeypatch.setattr("zeroshot_vss.workflow.stages.code_digest", lambda *modules: "digest")
    job: Any = plan.target("results/scores/mine/first-frame.json").job
    assert job.clips == ("garden", "home-1") and job.classes == 2
    with pytest.raises(InputError, match="did you mean 'cats'"):
        open_dataset("cat", {})


def test_a_classifier(monkeypatch: pytest.MonkeyPatch) -> None:
    name = install("adding-a-classifier.md", 0, CLASSIFIERS, monkeypatch)
    over = {"methods": {"nb": {"title": "NB", "settings": {"context": {"classifier": name}}}}}
    assert read_config(merge(shipped(), over)).method_settings("nb", "scenes-tiny").context.classifier == name
    classifier = LabelClassifier(name, {"var_smoothing": 1e-6}, 1)
    tokens = np.array([[0.0, 0.1], [0.1, 0.0], [5.0, 5.1], [5.1, 5.0]], np.float32)
    assert classifier.fit(tokens, np.array([3, 3, 7, 7])).predict(tokens[::-1]).tolist() == [7, 7, 3, 3]


def test_an_upsampler(monkeypatch: pytest.MonkeyPatch) -> None:
    name = install("adding-a-classifier.md", 1, UPSAMPLERS, monkeypatch)
    settings = Upsampling(upsampler=name, modulation=None, sampling=None, filter=None)
    coarse = np.zeros((1, 4, 4), np.uint8)
    coarse[0, 1, 1], coarse[0, :, 3] = 9, 2
    clip = ArrayClip("clip", [np.zeros((8, 8), np.uint8)])
    made = make_upsampler(settings, Resources(lambda: pytest.fail("no model"), lambda: 1.0)).upsample(
        clip, [], coarse
    )
    assert made.shape == (1, 8, 8) and set(np.unique(made)) == {0, 2}


def test_a_metric_and_its_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    name = install("metrics.md", 0, PROTOCOLS, monkeypatch)
    truth = np.array([[0, 1], [255, 1]], np.uint8)
    scores = score_clip(ArrayClip("clip", [truth]), lambda frame: np.zeros((2, 2), np.uint8), get_protocol(name))
    pooled = pool([scores])
    assert pooled["error"] == pytest.approx(2 / 3)
    row = TableRow(method="M", backbone="", supervision="", dataset="D", key=("m", "", "d"))
    assert long_table([row], [pooled], None)["wrong pixels"].tolist() == [66.67]
