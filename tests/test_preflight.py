"""`python -m zeroshot_vss check`: what it finds is what jobs would find, and it reads headers alone."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from PIL import Image, ImageFile
from rich.console import Console
from snakemake.utils import update_config

from miniatures import (
    moving_shapes,
    write_camvid,
    write_cityscapes,
    write_clvos,
    write_davis,
    write_frames,
    write_vspw,
)
from small_models import save_embedded, save_stable_diffusion, save_stable_video_diffusion
from test_config import shipped
from workflow_copy import ROOT
from zeroshot_vss.__main__ import main
from zeroshot_vss.backbones.geometry import SD21, SVD, Geometry
from zeroshot_vss.backbones.geometry import network_size as size_of
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.costs import Cost, cost_path
from zeroshot_vss.io.store import add_maps, write_clip
from zeroshot_vss.io.video import VideoClip, VideoWriter
from zeroshot_vss.method.latents import network_size
from zeroshot_vss.preflight.data import ClipSummary, DataSetStatus, dataset_status
from zeroshot_vss.preflight.models import BackboneStatus, backbone_status
from zeroshot_vss.preflight.needs import (
    MODULATION,
    Availability,
    Needs,
    Stage,
    measured_rates,
    packed_share,
    shipped_rates,
    sum_time,
)
from zeroshot_vss.preflight.run import check, check_availability, format_time, load_config
from zeroshot_vss.settings.sampling import MethodSampling
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import USER_CLIPS, make_row, table_rows

RNG = np.random.default_rng(0)


def planned(**changes: Any) -> Plan:
    """The shipped configuration with changes laid upon it."""
    return Plan(read_config(merge(shipped(), changes)))


def own(kind: str, **options: Any) -> dict[str, Any]:
    """A configured data set `own`."""
    return {"datasets": {"own": {"kind": kind, "title": "own", "protocol": "vspw", "options": options}}}


def printed(overlay: Path, results: Path) -> tuple[bool, str]:
    """What the command says, and whether all rows of tables can run."""
    text = io.StringIO()
    return check([overlay], Console(file=text, width=200), results), text.getvalue()


@pytest.fixture
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """The working directory is that of the workflow."""
    monkeypatch.chdir(ROOT)


# The configuration


def test_overlays_are_merged_as_snakemake_merges_them(tmp_path: Path) -> None:
    overlays = [
        {"seed": 3, "datasets": {"more": {"kind": "scenes", "options": {"count": 1}}}, "overview": {"frames": [1]}},
        {
            "tables": {"table1": {"methods": ["ours"]}},
            "clips": {"a": "/x.mp4"},
            "sweeps": {"window": {"values": [9]}},
        },
    ]
    paths = [tmp_path / "first.yaml", tmp_path / "second.yaml"]
    for path, values in zip(paths, overlays, strict=True):
        path.write_text(yaml.safe_dump(values))
    expected: dict[str, Any] = {}
    files = [ROOT / "config" / name for name in ("config.yaml", "methods.yaml", "sweeps.yaml")]
    for path in [*files, *paths]:
        update_config(expected, yaml.safe_load(path.read_text()))
    assert load_config(paths, ROOT) == expected


@pytest.mark.parametrize(("text", "message"), [("- a", "keys at its top"), ("a: [", "cannot be read"), ("", "keys")])
def test_configurations_that_are_none(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(InputError, match=rf"bad\.yaml .*{message}"):
        load_config([tmp_path / "bad.yaml"], ROOT)


def test_elsewhere_it_says_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="run it in the folder of the workflow"):
        load_config([], tmp_path)


# Data


@pytest.mark.parametrize(
    ("kind", "write", "expected"),
    [
        ("vspw", lambda root: write_vspw(root, clips=3, frames=4, rng=RNG), (3, 12, 12, [(48, 64)])),
        ("camvid", lambda root: write_camvid(root, frames=5, rng=RNG), (1, 5, 5, [(48, 64)])),
        ("davis", lambda root: write_davis(root, ["bear", "cow"], rng=RNG), (2, 10, 10, [(24, 32)])),
        ("clvos", lambda root: write_clvos(root, ["car"], frames=8, every=3, rng=RNG), (1, 8, 4, [(24, 32)])),
        ("cityscapes", lambda root: write_cityscapes(root, ["a_000000_000019"], rng=RNG), (1, 30, 1, [(16, 32)])),
    ],
)
def test_data_sets_are_counted_without_decoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, write: Callable[[Path], Any], expected: Any
) -> None:
    write(tmp_path)

    def load(self: ImageFile.ImageFile) -> None:
        raise AssertionError("an image was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    status = dataset_status(planned(**own(kind, root=str(tmp_path))), "own")
    assert status.missing is None
    assert (len(status.clips), status.frames, status.annotated, status.sizes) == expected
    mapped = sum(clip.mapped for clip in status.clips)
    assert mapped == (expected[2] if kind in ("clvos", "cityscapes") else expected[1])


def test_generated_clips_are_counted() -> None:
    plan = planned()
    long = dataset_status(plan, "scenes-long")
    assert (len(long.clips), long.frames, long.annotated, long.sizes) == (4, 4 * 84, 4 * 8, [(128, 192)])
    assert dataset_status(plan, "scenes").annotated == 112


def test_missing_data_say_how_to_get_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    unset = dataset_status(planned(**own("vspw", root="$NOWHERE")), "own").missing
    assert unset is not None and "does not set $NOWHERE" in unset and "https://www.vspwdataset.com" in unset
    empty = dataset_status(planned(**own("davis", root=str(tmp_path))), "own").missing
    assert empty is not None and str(tmp_path) in empty and "https://davischallenge.org" in empty


def test_a_broken_clip_is_named(tmp_path: Path) -> None:
    names = write_vspw(tmp_path, clips=2, frames=4, rng=RNG)
    sorted((tmp_path / "VSPW_480p" / "data" / names[1] / "origin").iterdir())[1].unlink()
    status = dataset_status(planned(**own("vspw", root=str(tmp_path))), "own")
    assert (
        status.missing is not None and f"clip '{names[1]}': frame" in status.missing and "missing" in status.missing
    )


def test_own_clips_are_counted_without_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    film, _ = moving_shapes(7, (50, 70), RNG)
    with VideoWriter(tmp_path / "film.mp4", 12) as writer:
        writer.write(film)
    write_frames(tmp_path / "pictures", "a1.png", "a2.png", size=(12, 16))
    decoded = VideoClip("film", tmp_path / "film.mp4")
    monkeypatch.setattr(VideoClip, "_decode", None)
    clips = {"film": str(tmp_path / "film.mp4"), "pictures": str(tmp_path / "pictures")}
    status = dataset_status(planned(clips=clips), USER_CLIPS)
    assert status.clips == (
        ClipSummary("film", len(decoded), decoded.size, 7, 0),
        ClipSummary("pictures", 2, (12, 16), 2, 0),
    )
    (tmp_path / "film.mp4").write_text("no video")
    missing = dataset_status(planned(clips=clips), USER_CLIPS).missing
    assert missing is not None and missing.startswith("clip 'film'")


def test_the_size_of_vspws_validation_set_takes_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_root: None
) -> None:
    clips, frames = 343, 24_502
    top, left = tmp_path / "VSPW_480p", frames
    picture = io.BytesIO()
    Image.new("RGB", (854, 480)).save(picture, "JPEG")
    for index in range(clips):
        count = left // (clips - index)
        left -= count
        for kind, suffix in (("origin", "jpg"), ("mask", "png")):
            folder = top / "data" / f"{index}_clip" / kind
            folder.mkdir(parents=True)
            for frame in range(count):
                (folder / f"{frame:08d}.{suffix}").write_bytes(b"-")
        (top / "data" / f"{index}_clip" / "origin" / "00000000.jpg").write_bytes(picture.getvalue())
    (top / "val.txt").write_text("\n".join(f"{index}_clip" for index in range(clips)))
    monkeypatch.setenv("VSPW_ROOT", str(tmp_path))
    began = time.perf_counter()
    runs, text = printed(ROOT / "config" / "paper.yaml", tmp_path / "results")
    # It takes two seconds on a quiet core.
    assert time.perf_counter() - began < 20
    assert not runs
    line = next(line for line in text.splitlines() if " vspw " in line)
    assert [cell.strip() for cell in line.split("│")[2:7]] == ["found", "343", "24,502", "24,502", "480 x 854"]
    (top / "data" / "7_clip" / "origin" / "00000002.jpg").write_bytes(b"")
    (top / "data" / "7_clip" / "mask" / "00000003.png").write_bytes(b"")
    _, text = printed(ROOT / "config" / "paper.yaml", tmp_path / "results")
    said = " ".join(text.replace("│", " ").split())
    assert "clip '7_clip': 2 files are empty (0 bytes), the first is" in said


# Backbones

SAVE = {"embedded": save_embedded, "image": save_stable_diffusion, "video": save_stable_video_diffusion}


@pytest.fixture(scope="module", params=list(SAVE))
def spec(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BackboneSpec:
    folder = SAVE[request.param](tmp_path_factory.mktemp("model") / request.param)
    return BackboneSpec(name="own", kind="video" if request.param == "video" else "image", path=str(folder))


def test_weights_and_grids_are_those_of_the_loaded_model(spec: BackboneSpec) -> None:
    status = backbone_status(spec, "own")
    model = load_backbone(spec, torch.device("cpu"))
    loaded = [*model.unet.parameters(), *model.vae.parameters()]
    folder = Path(spec.path)
    encoder = sum(status.numbers.get("image_encoder", {}).values())
    assert status.geometry is not None and (encoder > 0) == (spec.kind == "video")
    # Buffers are stored, too, but there are few.
    assert status.memory("cpu") == pytest.approx(4 * (sum(p.numel() for p in loaded) + encoder), rel=0.01)
    assert status.memory("cuda") < status.memory("cpu")
    assert status.disk == sum(path.stat().st_size for path in folder.rglob("*.safetensors"))
    assert status.formats == (["F16"] if folder.name == "embedded" else ["F32"])
    geometry, sampling = status.geometry, MethodSampling(height=130)
    clip = type("Sized", (), {"name": "clip", "size": (150, 210)})()
    size = network_size(clip, model, sampling)  # pyright: ignore[reportArgumentType]
    assert geometry.multiple == model.multiple and size_of((150, 210), geometry.multiple, 130) == size
    assert geometry.coupled == model.coupled
    for block in model.decoder.attention_blocks():
        rows, columns = model.grid(*size, block)
        (queries,) = model.decoder.self_queries((block,)).values()
        expected = 2 * rows * columns * queries.out_features  # pyright: ignore[reportOperatorIssue]
        assert geometry.row_bytes((150, 210), sampling, [block]) == expected


@pytest.mark.parametrize("name", ["scenes-tiny", "scenes-tiny-video"])
def test_the_shipped_models_are_found(name: str, at_root: None) -> None:
    kind = "video" if name.endswith("video") else "image"
    status = backbone_status(BackboneSpec(name=name, kind=kind, path=f"models/{name}"), name)
    assert status.missing is None and status.geometry is not None
    assert status.geometry.coupled == (kind == "video")
    # Blocks 6 to 8 of 128 x 192 frames lie on 16 x 24 cells of 80 channels.
    assert status.geometry.row_bytes((128, 192), MethodSampling(), [6, 7, 8]) == 3 * 16 * 24 * 80 * 2


def test_a_pointer_of_git_lfs_is_named(tmp_path: Path) -> None:
    folder = save_embedded(tmp_path / "model")
    weights = next((folder / "unet").glob("*.safetensors"))
    weights.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    missing = backbone_status(BackboneSpec(name="own", path=str(folder)), "own").missing
    assert missing is not None and str(weights) in missing and "git lfs pull" in missing


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def snapshot(*_: object, local_files_only: bool, **__: object) -> str:
        assert local_files_only
        raise OSError("not there")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    waiting = BackboneSpec(name="own", path="somebody/model", revision="abc", download=True)
    status = backbone_status(waiting, "own")
    assert status.missing is None and status.files is None and status.geometry is None
    absent = backbone_status(waiting.model_copy(update={"download": False}), "own").missing
    assert absent is not None and "hf download somebody/model --revision abc" in absent


# Rows

SD21_UNET = {
    "_class_name": "UNet2DConditionModel", "block_out_channels": [320, 640, 1280, 1280], "layers_per_block": 2,
    "up_block_types": ["UpBlock2D", *["CrossAttnUpBlock2D"] * 3], "cross_attention_dim": 1024,
}  # fmt: skip
SD_VAE = {"block_out_channels": [128, 256, 512, 512]}


def test_features_of_sd_21_on_480p() -> None:
    geometry = Geometry.of("backbone 'sd21'", SD21_UNET, SD_VAE)
    assert geometry.identity == SD21 and geometry.multiple == 64
    # 854 x 480 is cut to 832 x 448; blocks 6 to 8 have 640 channels on half of the latent's 104 x 56 cells.
    assert geometry.row_bytes((480, 854), MethodSampling(), [6, 7, 8]) == 3 * (56 // 2) * (104 // 2) * 640 * 2


@pytest.mark.parametrize(
    ("size", "blocks", "sampling", "message"),
    [
        ((40, 854), [7], MethodSampling(), "smaller than 64"),
        ((480, 854), [2], MethodSampling(), r"block 2 has no attention; choose among \[3, 4"),
        ((480, 854), [7], MethodSampling(time_ids=(1, 2, 3)), "leave sampling.time_ids out"),
    ],
)
def test_settings_that_would_stop_a_job(
    size: tuple[int, int], blocks: list[int], sampling: MethodSampling, message: str
) -> None:
    geometry = Geometry.of("backbone 'sd21'", SD21_UNET, SD_VAE)
    fault = geometry.misfit(size, sampling, blocks)
    assert fault is not None and re.search(message, fault)


def test_rows_are_blocked_by_data_and_by_weights(monkeypatch: pytest.MonkeyPatch, at_root: None) -> None:
    monkeypatch.delenv("VSPW_ROOT", raising=False)
    plan = Plan(read_config(shipped("paper.yaml")))
    availability = check_availability(plan)
    by_name = {row.name: availability.obstacles(row) for row in table_rows(plan.config, "table7")}
    data, weights = by_name["ours@sd21"]
    assert "VSPW_ROOT" in data and "hf download" in weights
    assert all(not availability.obstacles(row) for row in table_rows(plan.config, "fast"))


def test_missing_predictions_block_their_row(at_root: None) -> None:
    plan = planned(methods={"dvis": {"predictions": {"scenes": "/no/where"}}})
    availability = check_availability(plan)
    rows = table_rows(plan.config, "table1")
    blocked = {row.name: availability.obstacles(row) for row in rows if availability.obstacles(row)}
    assert list(blocked) == ["dvis"] and "there is no folder /no/where" in blocked["dvis"][0]


def test_shared_features_are_counted_once(at_root: None) -> None:
    plan = planned()
    availability = check_availability(plan)
    one = availability.needs([make_row(plan.config, "scenes", "ours", "scenes-tiny")], {})
    rows = table_rows(plan.config, "table1")
    table = availability.needs(rows, {})
    assert one.features == table.features == 112 * 3 * 16 * 24 * 80 * 2
    assert table.maps == len(rows) * one.maps and one.maps == 112 * 128 * 192


# Time

DATA = {
    "own": DataSetStatus("own", "own", (ClipSummary("a", 10, (10, 20), 10, 10), ClipSummary("b", 5, (10, 20), 5, 5)))
}


def stage(kind: str, worker: str = "sd21", frames: int = 41) -> Stage:
    return Stage(kind, worker, frames, frames * 100)


def test_measured_times_of_a_backbone(tmp_path: Path) -> None:
    for name, folder, clip, seconds in (
        ("features", "f", "a", 2.0),
        ("features", "f", "b", 1.0),
        ("maps", f"f/c/m/{MODULATION}~block=7", "a", 8.0),
        ("maps", f"f/c/m/{MODULATION}~block=7~by=other", "a", 4.0),
        ("maps", "f/c/m/upsampler=nearest", "a", 0.5),
        ("coarse", "f/clusters=20/none", "a", 0.25),
        ("coarse", "f/clusters=20~neighbours=10~temperature=0.1~size=14/none", "a", 5.0),
        ("features", "f", "gone", 99.0),
    ):
        path = cost_path(tmp_path / name / "own" / "model" / folder / f"{clip}.h5")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Cost(seconds=seconds, host_gib=1).model_dump_json())
    rates = measured_rates(tmp_path, DATA)
    assert rates == {
        ("model", "features"): pytest.approx(3 / (15 * 200)),
        ("model", f"maps, {MODULATION}"): pytest.approx(8 / (10 * 200)),
        ("other", f"maps, {MODULATION}"): pytest.approx(4 / (10 * 200)),
        ("model", "maps, upsampler=nearest"): pytest.approx(0.5 / (10 * 200)),
        ("model", "coarse"): pytest.approx(0.25 / (10 * 200)),
        ("model", "coarse, propagation"): pytest.approx(5 / (10 * 200)),
    }
    time = sum_time([stage("features", "model", 30), stage(f"maps, {MODULATION}", "model", 30)], rates, {})
    assert (time.seconds, time.sources, time.unknown) == (3 + 12, {"measured"}, False)
    assert sum_time([stage("features", "model"), stage("correspondences", "model")], rates, {}).unknown


def test_the_papers_times_stand_in() -> None:
    all_stages = [stage("features"), stage("correspondences"), stage("coarse"), stage(f"maps, {MODULATION}")]
    time = sum_time(all_stages, {}, {"sd21": 1 / 0.41})
    assert (time.seconds, time.sources, time.unknown) == (pytest.approx(100), {"paper"}, False)
    cheap = sum_time([stage("features"), stage("maps, upsampler=nearest")], {}, {"sd21": 1 / 0.41})
    assert cheap.unknown and not cheap.sources, "the paper timed no stage alone"
    rates = {("sd21", stage.kind): 0.01 for stage in all_stages}
    assert sum_time(all_stages, rates, {"sd21": 1 / 0.41}).sources == {"measured"}


def test_shipped_figures_stand_in_where_nothing_ran() -> None:
    figures = {("model", "features"): 2.0, ("kind=first-frame", "maps"): 0.5}
    copied = stage("maps", "kind=first-frame~cell=1~clusters=20")
    time = sum_time([stage("features", "model"), copied], {}, {}, figures)
    assert time.seconds == pytest.approx(2.0 * stage("features").pixels + 0.5 * copied.pixels)
    assert time.sources == {"shipped"} and not time.unknown
    assert "(reckoned)" in format_time(Needs(0, 0, time))
    # What was measured here goes before.
    time = sum_time([stage("features", "model"), copied], {("model", "features"): 3.0}, {}, figures)
    assert time.seconds == pytest.approx(3.0 * stage("features").pixels + 0.5 * copied.pixels)
    assert time.sources == {"measured", "shipped"}


def test_the_shipped_configuration_has_a_forecast(at_root: None) -> None:
    plan = planned()
    availability = check_availability(plan)
    rows = table_rows(plan.config, "table1")
    time = availability.needs(rows, {}).time
    assert time.sources == {"shipped"} and not time.unknown
    # Every frame is as large as the one that was timed, so that times are those of the file.
    frames, rates = availability.datasets["scenes"].frames, shipped_rates()
    ours = availability.needs([row for row in rows if row.method == "ours"], {}).time.seconds
    kinds = ("features", "correspondences", "coarse", f"maps, {MODULATION}")
    pixels = frames * 128 * 192
    assert ours == pytest.approx(sum(rates["scenes-tiny", kind] for kind in kinds) * pixels)
    double = merge(shipped(), {"datasets": {"scenes": {"options": {"frames": 2 * frames // 4}}}})
    longer = check_availability(Plan(read_config(double))).needs(rows, {}).time.seconds
    assert longer == pytest.approx(2 * time.seconds)


@pytest.mark.parametrize("backbone", ["scenes-tiny", "scenes-tiny-video", "scenes-tiny-dit"])
def test_label_propagation_has_a_forecast_of_its_own(at_root: None, backbone: str) -> None:
    """With each embedded model."""
    plan = planned()
    availability = check_availability(plan)
    row, rates = make_row(plan.config, "scenes", "label-propagation", backbone), shipped_rates()
    kinds = ("features", "coarse, propagation", "maps, upsampler=joint-bilateral")
    pixels = availability.datasets["scenes"].frames * 128 * 192
    seconds = availability.needs([row], {}).time.seconds
    assert seconds == pytest.approx(sum(rates[backbone, kind] for kind in kinds) * pixels)


def test_maps_that_another_backbone_makes_count_as_its_own(at_root: None) -> None:
    """Only where it makes them: without masked modulation it need not be there."""
    plan = planned()
    availability = check_availability(plan)
    ours, plain = (make_row(plan.config, "scenes", m, "scenes-tiny-dit") for m in ("ours", "ours-bilinear"))
    stages = {stage.kind: stage.worker for stage in (availability.stages(ours) or {}).values()}
    assert stages[f"maps, {MODULATION}"] == "scenes-tiny" and stages["coarse"] == "scenes-tiny-dit"
    gone = merge(shipped(), {"backbones": {"scenes-tiny": {"path": "models/none"}}})
    availability = check_availability(Plan(read_config(gone)))
    assert availability.obstacles(ours) and not availability.obstacles(plain)


def test_the_papers_models_are_known_by_their_config() -> None:
    unet = SD21_UNET | {"_class_name": "UNetSpatioTemporalConditionModel"}
    geometry = Geometry.of("backbone 'v'", unet, SD_VAE, coupled=True)
    assert geometry.identity == SVD and geometry.coupled
    backbones = {"v": BackboneStatus(BackboneSpec(name="v", path="x"), "v", geometry=geometry)}
    assert Availability(planned(), {}, backbones)._papers() == {"v": pytest.approx(21.43, abs=0.01)}


def test_packed_maps(tmp_path: Path) -> None:
    assert packed_share(tmp_path) is None
    path = tmp_path / "maps" / "own" / "f" / "a.h5"
    write_clip(path, {}, lambda file: add_maps(file, "maps", 50, (100, 100), np.uint8).__setitem__(..., 1))
    share = packed_share(tmp_path)
    assert share is not None and share == path.stat().st_size / 500_000 < 0.1


# The command


def test_the_shipped_configuration_can_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_root: None
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setattr(sys, "argv", ["zeroshot_vss", "check", "--results", str(tmp_path)])
    main()
    text = capsys.readouterr().out
    assert "Every row of every table can run." in text and "models/scenes-tiny" in text
    rows = len(table_rows(planned().config, "table1"))
    assert f"{rows} of {rows}" in text


def test_missing_data_end_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], at_root: None
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("CAMVID_ROOT", raising=False)
    args = ["zeroshot_vss", "check", "--configfile", "config/camvid.yaml", "--results", str(tmp_path)]
    monkeypatch.setattr(sys, "argv", args)
    with pytest.raises(SystemExit) as caught:
        main()
    text = capsys.readouterr().out
    assert caught.value.code == 1
    assert "Cannot run as configured: table1" in text and re.search(r"(\d+) of \d+ rows: first-frame, ", text)
    assert "get CamVid in the layout of the SegNet tutorial" in " ".join(text.split())


def test_wrong_settings_are_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_root: None) -> None:
    (tmp_path / "bad.yaml").write_text(json.dumps({"compute": {"treads": 2}}))
    monkeypatch.setattr(sys, "argv", ["zeroshot_vss", "check", "--configfile", str(tmp_path / "bad.yaml")])
    with pytest.raises(SystemExit, match=r"error: config: compute\.treads: unknown key"):
        main()
