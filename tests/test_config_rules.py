"""The configuration: bounds, inheritance of sweeps, the single block of a backbone, and how faults are said."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from test_config import changed, shipped
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.config.read import read_yaml
from zeroshot_vss.errors import InputError

OURS = "methods.ours.settings"


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("seed", 2**32, "seed"),
        ("user_clips.fps", math.inf, "user_clips.fps"),
        ("user_clips.fps", math.nan, "user_clips.fps"),
        ("figures.strength_without_blending", math.inf, "figures.strength_without_blending"),
        ("methods.colour-grid.baseline.clusters", 256, "methods.colour-grid.baseline.clusters"),
        (OURS, {"upsampling": {"modulation": {"strength": math.nan}}}, "upsampling.modulation.strength"),
        (OURS, {"upsampling": {"filter": math.nan}}, "upsampling.filter"),
        (OURS, {"sampling": {"guidance": math.inf}}, "sampling.guidance"),
        (OURS, {"sampling": {"guidance": [1.0, math.nan]}}, "sampling.guidance"),
        (OURS, {"refinement": {"window": -1}}, "refinement.window"),
        (OURS, {"context": {"blocks": []}}, "context.blocks"),
        (OURS, {"context": {"blocks": [-1]}}, "context.blocks"),
        (OURS, {"features": {"blocks": []}}, "features.blocks"),
        (OURS, {"context": {"clusters": 256}}, "context.clusters"),
        (OURS, {"context": {"seed": 2**32}}, "context.seed"),
    ],
)
def test_values_out_of_bounds_are_refused(key: str, value: object, named: str) -> None:
    with pytest.raises(InputError) as caught:
        read_config(changed(key, value)).method_settings("ours", "scenes-tiny")
    assert named in str(caught.value)


def test_the_largest_values_are_taken() -> None:
    settings = read_config(merge(changed(OURS, {"context": {"clusters": 255}}), {"seed": 2**32 - 1})).method_settings(
        "ours", "scenes-tiny"
    )
    assert (settings.context.clusters, settings.context.seed) == (255, 2**32 - 1)


def test_a_backbone_upsampled_by_another_has_its_upsampling() -> None:
    """Whatever the steps of its own sampling are: the modulation is in the other's."""
    values = shipped()
    values["backbones"]["scenes-tiny-dit"]["settings"] |= {
        "sampling": {"guidance": 1.0, "steps": 5, "start": 2}, "features": {"blocks": [8], "step": 3},
    }  # fmt: skip
    config = read_config(values)
    for method in ("ours", "emerdiff", "ours-bilinear"):
        settings = config.method_settings(method, "scenes-tiny-dit", "scenes")
        assert settings.upsampling == config.method_settings(method, "scenes-tiny", "scenes").upsampling
        assert (settings.sampling.start, settings.context.blocks) == (2, (8,))


def test_a_sweep_of_blocks_that_the_upsampling_backbone_lacks() -> None:
    """It makes no coarse maps, so only its own upsampling and sampling count."""
    config = read_config(shipped("validation.yaml"))
    for method in config.points("validation-transformer").values():
        own = config.method_settings(method, "transformer-queries", "validation")
        last = config.upsampling_settings(method, "transformer-queries", "validation")
        assert own.refinement is not None and own.refinement.block in own.context.blocks
        assert (last.refinement, last.upsampling) == (None, own.upsampling)
        assert own.upsampling.upsampler == "bilinear"


PLAIN = ("emerdiff", "single-frame", "batch", "batch-modulation", "batch-cbr")
"""Methods without feature aggregation."""


@pytest.mark.parametrize(
    ("overlays", "blocks"),
    [((), {"scenes-tiny": 7, "scenes-tiny-video": 8}), (("paper.yaml",), {"sd21": 7, "svd": 8})],
)
def test_a_method_without_aggregation_takes_the_backbones_single_block(
    overlays: tuple[str, ...], blocks: dict[str, int]
) -> None:
    values = shipped(*overlays)
    values["methods"]["new-row"] = {"title": "New", "settings": {"context": {"blocks": "single"}}}
    config = read_config(values)
    for backbone, block in blocks.items():
        for method in (*PLAIN, "new-row"):
            assert config.method_settings(method, backbone).context.blocks == (block,)
        assert config.method_settings("ours", backbone).context.blocks == (6, 7, 8)


def test_sweeps_run_on_what_their_scope_names() -> None:
    default, paper = read_config(shipped()).sweeps, read_config(shipped("paper.yaml")).sweeps
    both = ("scenes-tiny", "scenes-tiny-video")
    modulated = {"seed-modulated", "modulated-block", "strength", "filter", "blending", "difference"}
    for name, sweep in default.items():
        assert sweep.datasets == (("scenes-short",) if name in modulated else ("scenes",))
        assert sweep.backbones == (("scenes-tiny",) if name in modulated - {"modulated-block"} else both), name
    for name, sweep in paper.items():
        assert sweep.datasets == ("vspw-30",)
        assert sweep.backbones == (("sd21",) if name == "noise" else ("sd21", "svd")), name


def test_a_sweeps_own_data_sets_come_before_the_scopes() -> None:
    own = {"sweeps": {"clusters": {"datasets": ["scenes-short"]}, "noise": {"datasets": None}}}
    sweeps = read_config(merge(shipped(), own)).sweeps
    assert (sweeps["clusters"].datasets, sweeps["noise"].datasets) == (("scenes-short",), ("scenes",))


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("sead", 1, "sead: unknown key; did you mean 'seed'?"),
        ("compute.treads", 1, "compute.treads: unknown key; did you mean 'threads'?"),
        ("methods.ours.setings", {}, "methods.ours.setings: unknown key; did you mean 'settings'?"),
        ("figures.over_time.frame", [1], "figures.over_time.frame: unknown key; did you mean 'frames'?"),
        ("tables.table1.methods", ["ours-neerest"], "did you mean 'ours-nearest'?"),
        ("sweeps.clusters.method", "our", "did you mean 'ours'?"),
        ("sweeps.clusters.scope", "modulatd", "sweeps.clusters.scope: 'modulatd' is not defined"),
        ("methods.ours.protocol", "papr", "did you mean 'paper'?"),
    ],
)
def test_a_close_name_is_offered(key: str, value: object, says: str) -> None:
    with pytest.raises(InputError) as caught:
        read_config(changed(key, value))
    assert says in str(caught.value)


def test_messages_are_in_the_projects_own_words() -> None:
    with pytest.raises(InputError) as caught:
        read_config(changed("sweeps.clusters.variants", {"a": {}}))
    assert "Value error" not in str(caught.value) and "a sweep has either" in str(caught.value)
    with pytest.raises(InputError) as caught:
        read_config(changed("tables.table1.methods", ["hours"]))
    assert "Value error" not in str(caught.value)


def bomb() -> list[Any]:
    """Lists of lists of lists, twelve deep, with nine references each."""
    nested: list[Any] = ["x"] * 9
    for _ in range(12):
        nested = [nested] * 9
    return nested


def deep() -> dict[str, Any]:
    """Many mappings in each other."""
    nested: dict[str, Any] = {}
    for _ in range(5000):
        nested = {"a": nested}
    return nested


@pytest.mark.parametrize(("value", "says"), [(bomb(), "more than 100000 values"), (deep(), "more than 32 levels")])
def test_what_is_too_large_is_refused_before_it_is_looked_at(value: Any, says: str) -> None:
    for values in ({"seed": value}, {"datasets": {"scenes": {"options": {"x": value}}}}):
        with pytest.raises(InputError, match=f"config: (seed|datasets): {says}"):
            read_config(values)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("seed: 1\nseed: 2\n", "the key 'seed' stands twice"),
        ("a: {b: {c: 1, c: 1}}\n", "the key 'c' stands twice"),
        ("a: " + "{b: " * 2000 + "1" + "}" * 2000, "nested too deeply"),
        ("- 1\n", "must have keys"),
        ("a: [", "cannot be read"),
    ],
)
def test_yaml_that_cannot_be_meant_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "my.yaml").write_text(text)
    with pytest.raises(InputError, match=says) as caught:
        read_yaml(tmp_path / "my.yaml")
    assert "my.yaml" in str(caught.value)


def test_merge_keys_may_be_laid_over(tmp_path: Path) -> None:
    (tmp_path / "my.yaml").write_text("a: &a {b: 1, c: 2}\nd: &d {<<: *a, b: 3}\ne: {<<: *d, c: 4}\n")
    assert read_yaml(tmp_path / "my.yaml")["e"] == {"b": 3, "c": 4}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"datasets": {"own": {"kind": "vspww", "title": "x", "protocol": "vspw"}}},
         r"datasets\.own\.kind: there is no data set 'vspww'; did you mean 'vspw'\?"),
        ({"datasets": {"own": {"kind": "vspw", "title": "x", "protocol": "vpsw"}}},
         r"datasets\.own\.protocol: there is no protocol 'vpsw'; did you mean 'vspw'\?"),
        ({"backbones": {"own": {"kind": "vidoe", "title": "x", "path": "x"}}},
         r"backbones\.own\.kind: .*'vidoe'; did you mean 'video'\?"),
    ],
)  # fmt: skip
def test_kinds_and_protocols_that_nothing_uses_are_looked_at_too(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_config(merge(shipped(), entry))
