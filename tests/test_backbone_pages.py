"""Configurations that the pages on backbones show: each is laid over the shipped one and planned on small models."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from benchmarks.random_backbones import MAKE

from test_config import shipped
from workflow_copy import ROOT
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.jobs.features import FeaturesJob
from zeroshot_vss.workflow.plan import Plan

SMALL = {**MAKE, "stable-diffusion-v1-5": MAKE["stable-diffusion-2-1-base"]}
"""Folder of a model to what saves a small one."""


def shown() -> dict[str, dict[str, Any]]:
    """By the page and the first backbone, what each YAML block with backbones holds."""
    found: dict[str, dict[str, Any]] = {}
    for name in ("backbones.md", "adding-a-backbone.md"):
        text = (ROOT / "docs" / name).read_text()
        # Those in lists are indented, which YAML takes as it is.
        for block in re.findall(r"^ *```yaml\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
            values = yaml.safe_load(block)
            if "backbones" in values:
                found[f"{name}: {next(iter(values['backbones']))}"] = values
    return found


SHOWN = shown()


def test_the_pages_show_a_configuration_of_each() -> None:
    assert set(SHOWN) == {
        "backbones.md: dinov3", "backbones.md: flux", "backbones.md: cogvideox", "backbones.md: sdxl",
        "adding-a-backbone.md: sd15", "adding-a-backbone.md: svd",
    }  # fmt: skip


@pytest.mark.parametrize("place", SHOWN)
def test_what_a_page_shows_can_be_planned(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own clip, or else a row of a table; models and the clip are looked at and must fit, nothing is computed."""
    monkeypatch.chdir(tmp_path)
    values = SHOWN[place]
    config = read_config(merge(shipped(), values))
    (name,) = values["backbones"]
    model = Path(values["backbones"][name]["path"]).name
    SMALL[model](tmp_path / model)
    over: dict[str, Any] = {"backbones": {name: {"path": str(tmp_path / model)}}}
    if config.clips:
        clip, own = next(iter(config.clips.items()))
        with VideoWriter(tmp_path / own.path, 5) as writer:
            writer.write(np.zeros((2, 64, 96, 3), np.uint8))
        target = f"results/clips/{clip}/overlay.mp4"
    else:
        over["tables"] = {
            "shown": {"title": "Shown", "datasets": ["scenes"], "backbones": [name], "methods": ["ours"]}
        }
        target = "results/shown.csv"
    plan = Plan(read_config(merge(merge(shipped(), values), over)), home=ROOT)
    assert plan.target(target).inputs
    made = [job for job in plan.stages.jobs.values() if isinstance(job, FeaturesJob)]
    chosen = config.method_settings("ours", name, "scenes")
    assert made and all(job.backbone.path == str(tmp_path / model) for job in made)
    assert {job.settings.blocks for job in made} == {chosen.features.blocks}
    assert not (tmp_path / "results").exists()
