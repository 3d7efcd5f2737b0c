"""The inspection stage: what it keeps is what the other stages use and throw away."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from small_models import save_embedded, save_stable_video_diffusion
from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.video_diffusion import VideoDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.job import Inspection, InspectJob, Variation
from zeroshot_vss.io.store import Manifest, add_maps, content_digest, open_clip, write_clip
from zeroshot_vss.jobs.base import DataSetSpec
from zeroshot_vss.jobs.features import FeaturesJob
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.method.batches import rows_of_batch
from zeroshot_vss.method.difference import to_8_bit
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.method.modulation import label_maps
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import MethodUpsampling, Modulation
from zeroshot_vss.stages import features, inspect
from zeroshot_vss.stages.inspect import frame_differences, labels_of, of_frames, temporal_queries

FRAMES, CLIP = 3, "scene-0000"
DATASET = DataSetSpec(name="scenes", kind="scenes", options={"split": "train", "count": 1, "frames": FRAMES})
IMAGE = Sampling(steps=4, start=2, guidance=1, height=64)
VIDEO = Sampling(
    steps=4,
    start=2,
    guidance=(1.0, 2.0),
    time_ids=(6.0, 127.0, 0.02),
    batches=Batches(size=2),
    height=64,
)
BUDGET = 0.05
COMPUTE = Compute(device="cpu", threads=1, memory=BUDGET, frames_at_once=2)
MODULATION = Modulation(block=7, step=2, strength=10, blend_through=2)


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> BackboneSpec:
    folder = save_embedded(tmp_path_factory.mktemp("image"))
    return BackboneSpec(name="small", path=str(folder))


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> BackboneSpec:
    folder = save_stable_video_diffusion(tmp_path_factory.mktemp("video"))
    return BackboneSpec(name="moving", kind="video", path=str(folder))


def loaded(spec: BackboneSpec) -> Backbone:
    return load_backbone(spec, torch.device("cpu"))


def grid(backbone: Backbone, block: int) -> tuple[int, int]:
    """Of the clip, which the network sees at a height of 64."""
    return backbone.grid(64, 96 // backbone.multiple * backbone.multiple, block)


def coarse_maps(backbone: Backbone, seed: int = 0) -> NDArray[np.uint8]:
    """Boxes of three labels; the second frame has one label, the third lacks one."""
    maps = np.full((FRAMES, *grid(backbone, 7)), 2, np.uint8)
    maps[0, :2, :3], maps[2, 1:, 2:] = 5, 9
    maps[0, 3:, 3:] = 9
    return maps


@pytest.fixture
def results(tmp_path: Path) -> Callable[[str, NDArray[np.uint8] | None], Path]:
    """Stands for the stages before: a manifest, with a clip whose `maps` are given."""

    def write(name: str, maps: NDArray[np.uint8] | None) -> Path:
        def fill(file: Any) -> None:
            if maps is not None:
                add_maps(file, "maps", len(maps), maps.shape[1:], np.uint8)[:] = maps

        path = tmp_path / name / "0000.json"
        write_clip(path.with_name(f"{CLIP}.h5"), {"stage": name}, fill)
        Manifest(path, {CLIP: content_digest(path.with_name(f"{CLIP}.h5"))}).write()
        return path

    return write


def job(spec: BackboneSpec, settings: Inspection, checked: Path, *coarse: Path) -> InspectJob:
    """An inspection that goes to a folder beside those of the other stages."""
    manifest = checked.parents[1] / "inspect" / "0000.json"
    return InspectJob(
        dataset=DATASET, clips=(CLIP,), compute=COMPUTE, backbone=spec, weights="", settings=settings,
        frames=str(checked), coarse=tuple(map(str, coarse)), manifest=str(manifest),
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["image", "video"])
@pytest.mark.parametrize("difference", ["float", "wrapped-8-bit"])
def test_the_largest_difference_map_gives_the_label_maps(
    kind: str, difference: Any, request: pytest.FixtureRequest
) -> None:
    backbone, sampling = loaded(request.getfixturevalue(kind)), {"image": IMAGE, "video": VIDEO}[kind]
    settings = Variation(title="", upsampler=MethodUpsampling(modulation=MODULATION, difference=difference))
    chosen, clip, maps = settings.upsampling(sampling), DATASET.open().clip(CLIP), coarse_maps(backbone)
    start = start_of(backbone, clip, rows_of_batch(range(FRAMES), sampling), sampling)
    plain = backbone.denoise(start, sampling, modulation=MODULATION)
    expected = label_maps(backbone, plain, maps, clip.size, chosen, BUDGET)
    seen = frame_differences(backbone, plain, maps, [0, 1, 2], clip.size, chosen, BUDGET)
    assert seen.places == [(2, 0), (2, 2), (5, 0), (9, 0), (9, 2)]
    assert seen.differences.shape == (5, *clip.size)
    for frame in range(FRAMES):
        assert np.array_equal(labels_of(seen.places, seen.filtered, maps[frame], frame), expected[frame])
    # Frames that nobody asks for are left out, though a video model needs them beside the others.
    one = frame_differences(backbone, plain, maps, [2], clip.size, chosen, BUDGET)
    assert one.places == [(2, 2), (9, 2)]
    assert np.allclose(one.filtered, seen.filtered[[1, 4]], atol=1e-5)
    # Without the filter nothing is weakened outside a mask.
    assert (seen.differences >= seen.filtered - 1e-6).all() and (seen.differences > seen.filtered + 1e-3).any()
    assert np.allclose(seen.differences.max((1, 2)), 1, atol=1e-4)


def test_a_frame_of_one_label_keeps_it() -> None:
    nothing = np.zeros((0, 4, 6), np.float32)
    assert (labels_of([], nothing, np.full((2, 3), 7, np.uint8), 0) == 7).all()
    two = np.array([[[0.5, 0.2]], [[0.5, 0.3]]])
    assert labels_of([(3, 0), (8, 0)], two, np.zeros((1, 1), np.uint8), 0).tolist() == [[3, 8]]


def test_the_stage_keeps_what_is_asked_for(image: BackboneSpec, tmp_path: Path, results: Any) -> None:
    backbone, clip = loaded(image), DATASET.open().clip(CLIP)
    first, second = coarse_maps(backbone), coarse_maps(backbone)[::-1]
    checked = results("checked", None)
    with_filter, without = (
        MethodUpsampling(modulation=MODULATION),
        MethodUpsampling(modulation=MODULATION, filter=None),
    )
    settings = Inspection(
        sampling=IMAGE, frames=(2, 0, 7), decoded=True, spatial=(7, 9), step=3,
        variations=(Variation(title="one", upsampler=with_filter),
                    Variation(title="two", upsampler=without, coarse=1)),
    )  # fmt: skip
    asked = job(image, settings, checked, results("first", first), results("second", second))
    manifest = Path(asked.manifest)
    inspect.run(asked)

    rows = rows_of_batch(range(FRAMES), IMAGE)
    plain = backbone.denoise(start_of(backbone, clip, rows, IMAGE), IMAGE)
    images = to_8_bit(backbone.decode(plain.states[3][[0, 2]])).permute(0, 2, 3, 1).numpy()
    features_job = FeaturesJob(
        dataset=DATASET, clips=(CLIP,), compute=COMPUTE, backbone=image, weights="",
        settings=Features(blocks=(7,), step=3, sampling=IMAGE), frames=str(checked),
        manifest=str(tmp_path / "features" / "0000.json"),
    )  # fmt: skip
    features.run(features_job)
    with open_clip(tmp_path / "features" / f"{CLIP}.h5") as cached:
        queries: Any = cached["block7"]
        expected = queries[[0, 2]]
    with open_clip(manifest.parent / f"{CLIP}.h5") as result:
        file: Any = result
        # In order, without the one beyond the clip's end.
        assert file["frames"][()].tolist() == [0, 2]
        assert np.abs(file["decoded"][()].astype(int) - images).max() <= 1
        assert np.allclose(file["spatial7"][()].astype(np.float32), expected.astype(np.float32), atol=2e-3)
        assert file["spatial9"].shape[:3] == (2, *grid(backbone, 9))
        assert np.array_equal(file["coarse0"][()], first[[0, 2]])
        assert np.array_equal(file["coarse1"][()], second[[0, 2]])
        assert file["places0"][()].tolist() == [[2, 0], [2, 1], [5, 0], [9, 0], [9, 1]]
        for number in "01":
            assert file[f"labels{number}"].shape == (2, *clip.size)
            assert file[f"filtered{number}"].shape == (5, *clip.size)
        assert np.array_equal(file["differences1"][()], file["filtered1"][()])
        assert np.array_equal(file["labels1"][()], file["unfiltered_labels1"][()])

    # What is there already is kept.
    written = (manifest.parent / f"{CLIP}.h5").stat().st_mtime_ns
    inspect.run(asked)
    assert (manifest.parent / f"{CLIP}.h5").stat().st_mtime_ns == written
    assert json.loads(manifest.read_text())["clips"].keys() == {CLIP}


def test_temporal_queries_of_a_video_model(video: BackboneSpec, results: Any) -> None:
    backbone = loaded(video)
    settings = Inspection(sampling=VIDEO, spatial=(7,), temporal=(7, 9), step=3)
    asked = job(video, settings, results("checked", None))
    inspect.run(asked)
    with open_clip(Path(asked.manifest).parent / f"{CLIP}.h5") as result:
        file: Any = result
        assert file["frames"][()].tolist() == [0, 1, 2]
        assert file["temporal7"].shape == file["spatial7"].shape
        assert file["temporal9"].shape[:3] == (3, *grid(backbone, 9))
        assert not np.allclose(file["temporal7"][()], file["spatial7"][()], atol=1e-3)
        # The first batch holds two frames; the third is denoised alone.
        assert not np.allclose(file["temporal7"][0], file["temporal7"][2], atol=1e-3)


def test_temporal_queries_are_put_in_the_order_of_frames(video: BackboneSpec) -> None:
    backbone = loaded(video)
    assert isinstance(backbone, VideoDiffusion)
    layer = backbone.decoder.transformer(7).temporal_transformer_blocks[0]
    parts, frames, cells, width = 2, 3, 4, layer.attn1.to_q.in_features
    context_width = layer.attn2.to_k.in_features

    def queries(hidden: torch.Tensor) -> torch.Tensor:
        context = torch.zeros(parts * cells, 1, context_width)
        with torch.inference_mode(), temporal_queries(backbone, (7,)) as tape:
            layer(hidden, num_frames=frames, encoder_hidden_states=context)
        return of_frames(tape["7"], parts)

    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(parts * frames, cells, width, generator=generator)
    before = queries(hidden)
    assert before.shape[:2] == (frames, cells)
    # The last half is the conditional one; a token changes its own query alone.
    hidden[frames + 1, 2] += torch.randn(width, generator=generator)
    changed = (queries(hidden) - before).abs().amax(-1) > 1e-6
    assert changed.nonzero().tolist() == [[1, 2]]
    hidden[:frames] += 1
    assert torch.equal((queries(hidden) - before).abs().amax(-1) > 1e-6, changed)


def test_wrong_questions_are_answered_in_words(image: BackboneSpec, results: Any) -> None:
    checked = results("checked", None)
    with pytest.raises(InputError, match="'small' has no temporal layers"):
        inspect.run(job(image, Inspection(sampling=IMAGE, temporal=(7,), step=3), checked))
    with pytest.raises(InputError, match="has 3 frames, none of the asked"):
        inspect.run(job(image, Inspection(sampling=IMAGE, frames=(3,), decoded=True), checked))
    with pytest.raises(InputError, match="block 1 has no attention"):
        inspect.run(job(image, Inspection(sampling=IMAGE, spatial=(1,), step=3), checked))
    with pytest.raises(ValueError, match="only masked modulation"):
        Variation(title="x", upsampler=MethodUpsampling(upsampler="nearest", modulation=None, filter=None))
