"""The configuration: what is refused, in which words, and that paths folder_name what results depend on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from zeroshot_vss.config import Config, merge, read_config
from zeroshot_vss.config.read import DEFAULTS
from zeroshot_vss.errors import InputError
from zeroshot_vss.jobs.upsample import UpsampleJob
from zeroshot_vss.settings.baseline import Baseline
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.upsampling import Upsampling
from zeroshot_vss.workflow.paths import folder_name
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import Row, all_rows, make_row

SHIPPED = Path(__file__).parent.parent / "config"


def shipped(*overlays: str) -> dict[str, Any]:
    """The default configuration with further files laid upon it, as Snakemake merges them."""
    values: dict[str, Any] = {}
    for name in (*DEFAULTS, *overlays):
        values = merge(values, yaml.safe_load((SHIPPED / name).read_text()))
    return values


def plain() -> dict[str, Any]:
    """The default configuration without what was chosen for its model."""
    values = shipped()
    values["backbones"]["scenes-tiny"]["settings"] = {"sampling": {"guidance": 1.0}}
    return values


def nested(keys: str, value: Any) -> dict[str, Any]:
    """One dotted key as nested mappings."""
    for key in reversed(keys.split(".")):
        value = {key: value}
    return value


def changed(keys: str, value: object) -> dict[str, Any]:
    """The plain configuration with one value put in, by its dotted key."""
    return merge(plain(), nested(keys, value))


BELOW = {"backbones-real.yaml": ("real.yaml",)}
"""Files that an overlay is laid upon, by what it says itself."""
OVERLAYS = sorted({path.name for path in SHIPPED.glob("*.yaml")} - set(DEFAULTS))


@pytest.mark.parametrize("overlays", [(), *((*BELOW.get(name, ()), name) for name in OVERLAYS)], ids=",".join)
def test_shipped_files_are_valid(overlays: tuple[str, ...]) -> None:
    config = read_config(shipped(*overlays))
    for name, table in config.tables.items():
        assert table.methods, name
    for method, chosen in config.methods.items():
        for backbone, entry in config.backbones.items():
            # Of the others, which refuse methods that modulate, the rows count.
            if chosen.baseline is None and entry.spec(backbone).unmodulated is None:
                settings = config.method_settings(method, backbone)
                assert settings.sampling.seed == settings.context.seed == config.seed
    for row in all_rows(config):
        if row.backbone is not None:
            config.method_settings(row.method, row.backbone, row.dataset)


def test_shipped_methods_are_the_papers() -> None:
    config = read_config(shipped("paper.yaml"))
    ours, emerdiff = (config.method_settings(name, "sd21") for name in ("ours", "emerdiff"))
    assert ours == MethodSettings()
    assert (ours.context.clusters, ours.context.batches.size, ours.sampling.guidance) == (20, 14, 5.0)
    assert (emerdiff.context.blocks, emerdiff.context.batches.size, emerdiff.refinement) == ((7,), 1, None)
    modulation = emerdiff.upsampling.modulation
    assert modulation is not None
    assert (modulation.strength, modulation.blend_through, emerdiff.upsampling.filter) == (10, None, None)
    released = config.method_settings("ours-released", "sd21")
    assert released.stage_sampling().batches == Batches(size=14, last="shifted")


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("sead", 1, ["sead: unknown key"]),
        ("compute.treads", 1, ["compute.treads: unknown key"]),
        ("compute.threads", "many", ["compute.threads", "'many'"]),
        ("compute.threads", 0, ["compute.threads", "got 0"]),
        ("compute.memory", 0, ["compute.memory", "got 0"]),
        ("seed", -1, ["seed", "got -1"]),
        ("datasets.scenes.kin", "scenes", ["datasets.scenes.kin: unknown key"]),
        ("datasets.scenes.title", 3, ["datasets.scenes.title", "got 3"]),
        ("backbones.scenes-tiny.precision", "half", ["backbones.scenes-tiny.precision", "'half'"]),
        ("clips", {"a,b": "walk.mp4"}, ["clips: 'a,b' cannot be a name", "without '/'"]),
        ("clips", {"../a": "walk.mp4"}, ["clips: '../a' cannot be a name"]),
        ("methods.ours~2", {"title": "x"}, ["methods: 'ours~2' cannot be a name"]),
        ("methods.ours.setings", {}, ["methods.ours.setings: unknown key"]),
        ("methods.first-frame.baseline.cel", 8, ["methods.first-frame.baseline.cel: unknown key"]),
        ("methods.first-frame.baseline.kind", "last-frame", ["methods.first-frame.baseline.kind", "'last-frame'"]),
        ("methods.ours.protocol", "papr", ["methods.ours.protocol", "'papr'", "paper, released"]),
        ("tables.table1.methods", ["hours"], ["tables.table1.methods", "'hours'", "ours-nearest"]),
        ("tables.table1.backbones", ["sd14"], ["tables.table1.backbones", "'sd14'", "scenes-tiny"]),
        ("tables.table1.datasets", ["vspv"], ["tables.table1.datasets", "'vspv'", "scenes"]),
        ("overview.dataset", "nothing", ["overview.dataset", "'nothing'"]),
        ("overview.methods", ["hours"], ["overview.methods", "'hours'"]),
        ("user_clips.backbone", "sd14", ["user_clips.backbone", "'sd14'"]),
        ("user_clips.method", "hours", ["user_clips.method", "'hours'"]),
        ("user_clips.opacity", 1.5, ["user_clips.opacity", "got 1.5"]),
    ],
)
def test_wrong_values_are_named(key: str, value: object, names: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        read_config(changed(key, value))
    for name in names:
        assert name in str(caught.value)


@pytest.mark.parametrize("where", ["methods.ours.settings", "backbones.scenes-tiny.settings", "protocols.paper"])
@pytest.mark.parametrize(
    ("over", "names"),
    [
        ({"contxt": {}}, ["contxt: unknown key"]),
        ({"context": {"cluster": 3}}, ["context.cluster: unknown key"]),
        ({"upsampling": {"modulation": {"lambda": 3}}}, ["upsampling.modulation.lambda: unknown key"]),
        ({"context": {"clusters": "twenty"}}, ["context.clusters", "'twenty'"]),
        ({"context": {"batches": {"size": 0}}}, ["context.batches.size", "got 0"]),
        ({"upsampling": {"difference": "double"}}, ["upsampling.difference", "'double'"]),
        ({"sampling": {"start": 25}}, ["start 25", "steps 25"]),
        ({"sampling": {"start": 23}}, ["upsampling.modulation.step 22", "sampling.start 23"]),
        ({"features": {"step": 21}}, ["features.step 21", "sampling.start 22"]),
        ({"features": {"step": 25}}, ["features.step 25", "sampling.steps 25"]),
        ({"features": {"blocks": [6, 7]}}, ["block 8"]),
        ({"refinement": {"block": 5}}, ["block 5"]),
        ({"upsampling": {"upsampler": "nearest"}}, ["upsampler 'modulation'"]),
        ({"upsampling": {"modulation": None}}, ["upsampler 'modulation'"]),
        ({"sampling": {"batches": {"size": 3}}}, ["batches"]),
    ],
)
def test_wrong_settings_are_named_with_their_method(where: str, over: dict[str, Any], names: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        Plan(read_config(changed(where, over)))
    for name in ["scenes-tiny", *names]:
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("datasets.scenes.kind", "scene", ["'scene'", "scenes, vspw"]),
        ("datasets.scenes.options.spit", "val", ["'spit'", "split"]),
        ("datasets.scenes.options.count", 0, ["'count'", "0"]),
        ("clips", {"a/b": "somewhere"}, ["a/b"]),
        ("datasets.scenes.protocol", "vspv", ["vspv", "cityscapes-official"]),
        ("methods.ours.settings", {"context": {"classifier": "knm"}}, ["'knm'", "random-forest"]),
        (
            "methods.ours.settings",
            {"upsampling": {"upsampler": "bicubic", "modulation": None}},
            ["'bicubic'", "nearest", "bilinear"],
        ),
        ("backbones.scenes-tiny.path", "models/nothing", ["scenes-tiny", "models/nothing"]),
    ],
)
def test_unknown_names_stop_before_any_job(key: str, value: object, names: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        plan = Plan(read_config(changed(key, value)))
        plan.target("results/scores/scenes/first-frame.json")
        for row in plan.rows:
            plan.stages.of_row(row)
    for name in names:
        assert name in str(caught.value)


def leaves(values: dict[str, Any], stem: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted keys and values of nested mappings."""
    for key, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{stem}{key}.")
        else:
            yield f"{stem}{key}", value


OTHER: dict[str, Any] = {
    "sampling.steps": 26, "sampling.start": 21, "sampling.guidance": 4.5, "sampling.noise": "clip",
    "sampling.posterior": "mean", "sampling.time_ids": [6, 127, 0.02], "sampling.height": 256, "sampling.margin": 16,
    "sampling.seed": 2,
    "features.blocks": [6, 7, 8, 9], "features.step": 23,
    "context.blocks": [7], "context.clusters": 30, "context.initialisations": 3, "context.fit": "first-batch",
    "context.classifier": "mlp", "context.classifier_options": {"n_neighbors": 3}, "context.batches.size": 7,
    "context.batches.last": "shifted", "context.seed": 2, "context.components": 32,
    "context.explained": 0.9, "context.position": 0.5, "context.memory": "first-frame", "context.colour": 0.5,
    "context.split": 2, "context.propagation": {},
    "refinement.variant": "released", "refinement.block": 8, "refinement.window": 8.5,
    "upsampling.upsampler": None, "upsampling.modulation.block": 8, "upsampling.modulation.step": 23,
    "upsampling.modulation.strength": 10, "upsampling.modulation.blend_through": 24,
    "upsampling.modulation.injection": False, "upsampling.modulation.one_step": True,
    "upsampling.modulation.apart": 3,
    "upsampling.filter": 0.5, "upsampling.difference": "wrapped-8-bit", "upsampling.decoder": "tiny",
    "upsampling.halo": 4, "upsampling.guided": {"radius": 0.5}, "upsampling.bilateral": None,
    "upsampling.learned": None,
}  # fmt: skip
"""Another value for each setting of a method."""
WITHOUT_CBR = {"context.split", "context.propagation"}


def parts(settings: MethodSettings) -> dict[str, str]:
    """The parts of a method's paths."""
    return {
        "features": folder_name(settings.stage_features()),
        "context": folder_name(settings.context),
        "refinement": folder_name(settings.stage_correspondence()),
        "upsampling": folder_name(settings.upsampling),
    }


def differing(over: dict[str, Any], base: dict[str, Any] | None = None) -> set[str]:
    """Parts that change when `over` is laid upon the settings `base`."""
    start = merge(MethodSettings().model_dump(), base or {})
    before, after = (parts(MethodSettings.model_validate(values)) for values in (start, merge(start, over)))
    return {name for name in before if before[name] != after[name]}


def test_there_is_another_value_for_every_setting() -> None:
    ours = {key for key, _ in leaves(MethodSettings().model_dump())}
    assert ours - {"sampling.batches"} == set(OTHER)


@pytest.mark.parametrize("key", [key for key in OTHER if OTHER[key] is not None])
def test_a_setting_changes_the_paths_of_its_own_stages_alone(key: str) -> None:
    stage = key.partition(".")[0]
    # Label maps lie below the features that they begin with.
    expected = {"features"} if stage == "sampling" else {stage}
    base = {"refinement": None} if key in WITHOUT_CBR else None
    assert differing(nested(key, OTHER[key]), base) == expected


def test_batches_are_spelled_where_they_matter_only() -> None:
    released = {"sampling": {"noise": "batch"}, "refinement": {"variant": "released"}}
    size = {"context": {"batches": {"size": 7}}}
    assert differing(size) == {"context"}
    assert differing(size, released) == {"features", "context", "refinement"}
    nearest = {"upsampling": {"upsampler": "nearest", "modulation": None}}
    assert differing(size, merge(released, nearest)) == {"features", "context", "refinement"}
    assert differing({"sampling": {"seed": 5}}, nearest) == {"features"}
    assert differing({"refinement": None}) == {"refinement"}


@pytest.mark.parametrize("pair", [(1e6, 1e-6), (0.1234567, 0.1234568), (50.0, 50.00001)])
def test_close_and_extreme_numbers_are_spelled_differently(pair: tuple[float, float]) -> None:
    one, other = (folder_name(Upsampling(filter=value)) for value in pair)
    assert one != other


def test_spelling() -> None:
    spelled = folder_name(Baseline(kind="colour", cell=8, position=0.25))
    assert spelled.startswith("kind=colour~cell=8~position=0.25~clusters=20~")
    assert folder_name(None) == "none"
    assert "blocks=6+7+8~" in folder_name(MethodSettings().stage_features())
    assert folder_name(Upsampling(filter=None)).count("filter") == 0
    long = MethodSettings.model_validate(
        merge(MethodSettings().model_dump(), {"sampling": {"noise": "batch"}, "upsampling": {"difference": "float"}})
    )
    for part in parts(long).values():
        assert len(part) < 250 and not set("/,") & set(part)


def first_maps(plan: Plan, method: str) -> str:
    """The first manifest of a method's label maps of the generated scenes."""
    maps = plan.stages.maps(make_row(plan.config, "scenes", method, "scenes-tiny"))
    assert maps is not None
    return maps.paths()[0]


def test_a_shared_path_has_a_single_job() -> None:
    """Rows that differ in the upsampling alone read the same coarse maps, and jobs follow the path."""
    plan = Plan(read_config(shipped()))
    ours, nearest = (first_maps(plan, name) for name in ("ours", "ours-nearest"))
    assert Path(ours).parent.parent == Path(nearest).parent.parent
    assert ours != nearest
    target = plan.target(ours)
    assert isinstance(target.job, UpsampleJob) and target.job.settings.upsampler == "modulation"
    assert '"compute"' not in target.text
    with pytest.raises(InputError, match="no row of the configuration needs results/maps/other"):
        plan.target("results/maps/other")


def test_overrides_come_in_order() -> None:
    """Defaults, the protocol, the backbone, the method, then the backbone's own word on the method."""
    values = merge(
        plain(),
        {
            "protocols": {"mine": {"context": {"clusters": 3, "initialisations": 3, "blocks": [6]}}},
            "methods": {"new": {"title": "New", "protocol": "mine", "settings": {"context": {"clusters": 5}}}},
            "backbones": {
                "scenes-tiny": {
                    "settings": {"context": {"clusters": 4, "initialisations": 4}},
                    "methods": {"new": {"refinement": {"window": 6}}},
                }
            },
        },
    )
    settings = Config.model_validate(values).method_settings("new", "scenes-tiny")
    context = settings.context
    assert (context.clusters, context.initialisations, context.blocks) == (5, 4, (6,))
    assert settings.refinement is not None and settings.refinement.window == 6
    assert settings.sampling.guidance == 1


def test_a_job_is_found_by_its_path_where_the_data_of_other_rows_are_missing() -> None:
    """As a submitted job asks, which knows its own target alone."""
    whole = Plan(read_config(shipped()))
    path = first_maps(whole, "emerdiff")
    lacking = merge(shipped(), {"backbones": {"scenes-tiny-video": {"path": "models/none"}}})
    plan = Plan(read_config(lacking))
    with pytest.raises(InputError, match="models/none"):
        plan.stages.maps(Row("scenes", "ours", "scenes-tiny-video"))
    assert plan.target(path) == whole.target(path)
    with pytest.raises(InputError, match="models/none"):
        plan.target("results/maps/scenes/of/no/row/0000.json")
    with pytest.raises(InputError, match=r"no row of the configuration needs results/maps/nothing/0000\.json"):
        Plan(read_config(shipped())).target("results/maps/nothing/0000.json")


@pytest.mark.parametrize("method", ["ours-released", "fast"])
def test_no_name_of_a_folder_is_too_long(method: str) -> None:
    """File systems take 255 bytes; the video model's settings are the longest."""
    settings = read_config(shipped("paper.yaml")).method_settings(method, "svd", "cityscapes")
    assert max(len(part.encode()) for part in parts(settings).values()) < 230


@pytest.mark.parametrize("name", ["a{b}", "a@b", "a(b", "a\nb", "a.cost"])
def test_names_that_mean_something_else_in_paths_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be a name"):
        read_config(merge(shipped(), {"clips": {name: "film.mp4"}}))
