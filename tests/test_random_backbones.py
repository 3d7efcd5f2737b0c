"""The small random models that stand in for those of config/backbones.yaml fit what the table asks of them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from benchmarks.random_backbones import CONFIG, MAKE, TRAINED, overlay

from test_config import shipped
from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.config import merge, read_config


def test_every_row_of_the_table_has_its_random_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has the blocks of its settings, on the size of the generated frames, and says that it is random."""
    monkeypatch.setenv("MODELS", str(tmp_path))
    config = read_config(merge(shipped("backbones.yaml"), overlay(yaml.safe_load(CONFIG.read_text()))))
    rows = [name for name in config.tables["backbones"].backbones if name not in TRAINED]
    assert {config.backbones[name].path for name in rows} == {f"$MODELS/{name}" for name in MAKE}
    assert {config.backbones[name].kind for name in (*TRAINED, *rows)} == set(BACKBONES)
    for name, save in MAKE.items():
        save(tmp_path / name)
    for name in rows:
        settings = config.method_settings("ours", name, "scenes")
        geometry = find_model(config.backbones[name].spec(name)).geometry
        blocks = [*settings.features.blocks, *([m.block] if (m := settings.upsampling.modulation) else [])]
        assert geometry.misfit((128, 192), settings.sampling, blocks) is None, name
        assert config.backbones[name].title.endswith("(random weights)")
