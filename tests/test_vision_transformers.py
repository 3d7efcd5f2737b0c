"""Vision transformers as backbones: tokens as the library gives them, of each frame for itself, nothing patched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from backbone_checks import CPU, Pictures, exchanged, fingerprint, label_maps, matches, moved, queries_of, rows
from small_models import save_embedded
from small_transformers import PREPROCESSOR, save_vision
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_backbone, load_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.vision_classes import VISION_CLASSES, VisionModel
from zeroshot_vss.backbones.vision_transformer import VisionTransformer
from zeroshot_vss.datasets import open_dataset
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import Manifest, open_clip
from zeroshot_vss.method.batches import rows_of_clip
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.method.modulation import label_maps as modulated_maps
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

KINDS = ("dinov2", "dinov2_with_registers", "dinov3_vit", "vit", "clip_vision_model", "clip", "siglip_vision_model",
         "siglip", "sam2_vision_model", "sam2", "sam2_video")  # fmt: skip
SIZE = (32, 64)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("vision")
    return {kind: save_vision(base / kind, kind) for kind in KINDS}


def load(folder: Path, **options: Any) -> VisionTransformer:
    spec = BackboneSpec(name="own", kind="vit", path=str(folder), options=options)
    backbone = load_model(find_model(spec), CPU)
    assert isinstance(backbone, VisionTransformer)
    return backbone


def by_the_library(kind: str, folder: Path, frames: NDArray[np.uint8]) -> Tensor:
    """The last norm's tokens of block 1's output (the bare output of SAM 2's), by its `hidden_states`."""
    import transformers

    known = VISION_CLASSES[kind]
    model: Any = getattr(transformers, known.model).from_pretrained(folder).eval()
    network = model if known.inside is None else model.get_submodule(known.inside)
    mean, deviation = (np.array(PREPROCESSOR[key], np.float32) for key in ("image_mean", "image_std"))
    pixels = torch.from_numpy(((frames.astype(np.float32) / 255 - mean) / deviation).transpose(0, 3, 1, 2))
    with torch.no_grad():
        states = network(pixel_values=pixels, output_hidden_states=True, **known.call).hidden_states
        return states[2] if known.norm is None else network.get_submodule(known.norm)(states[2])


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_the_librarys_hidden_states(kind: str, folders: dict[str, Path]) -> None:
    clip, backbone = Pictures(SIZE), load(folders[kind])
    found = queries_of(backbone, clip, [0, 1], block=1)
    expected = by_the_library(kind, folders[kind], clip.pictures[:2])
    height, width = backbone.grid(*SIZE, 1)
    cells = height * width
    if expected.ndim == 4:
        assert expected.shape[1:3] == (height, width)
        expected = expected.flatten(1, 2)
    # Class and register tokens stand first in all of these.
    assert found.shape == (2, cells, expected.shape[-1]) and expected.shape[1] - cells in (0, 1, 5)
    assert torch.allclose(found, expected[:, -cells:], atol=1e-5)
    assert (found[0] - found[1]).abs().mean() > 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_has_the_same_tokens_in_any_company(kind: str, folders: dict[str, Path]) -> None:
    clip, backbone = Pictures(SIZE), load(folders[kind])
    together = queries_of(backbone, clip, [0, 1, 2], block=1)
    turned = queries_of(backbone, clip, [2, 0, 1], block=1)
    alone = torch.cat([queries_of(backbone, clip, [frame], block=1) for frame in (0, 1, 2)])
    assert torch.allclose(together, alone, atol=1e-5) and torch.allclose(together[[2, 0, 1]], turned, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_correspondence_is_found(kind: str, folders: dict[str, Path]) -> None:
    """The first block's tokens depend on little but their patches: moved patches are found again.

    SAM 2's patches overlap and its first blocks attend in windows of 32 pixels, so that whole windows move.
    """
    backbone = load(folders[kind])
    cell = backbone.grids.cells[0]
    clip, truth = exchanged((64, 128), cell) if kind.startswith("sam2") else moved(SIZE, cell)
    tokens = queries_of(backbone, clip, [0, 1], block=0)
    assert matches(tokens, truth) >= 0.9 and matches(tokens, torch.arange(len(truth))) <= 0.1


@pytest.mark.parametrize("take", ["queries", "keys", "values"])
def test_projections_are_those_of_the_block(take: str, folders: dict[str, Path]) -> None:
    backbone, clip = load(folders["dinov3_vit"], take=take), Pictures(SIZE)
    seen: list[Tensor] = []
    attention = backbone.network.model.layer[1].attention
    layer = {"queries": attention.q_proj, "keys": attention.k_proj, "values": attention.v_proj}[take]
    handle = layer.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    found = queries_of(backbone, clip, [0, 1], block=1)
    handle.remove()
    assert torch.equal(found, seen[0][:, 5:])
    by_path = load(folders["dinov3_vit"], module=f"model.layer.{{block}}.attention.{take[0]}_proj")
    assert torch.equal(queries_of(by_path, clip, [0, 1], block=1), found)


@pytest.mark.parametrize("kind", KINDS)
def test_the_network_stays_as_it_was(kind: str, folders: dict[str, Path]) -> None:
    backbone, clip = load(folders[kind]), Pictures(SIZE)
    x = start_of(backbone, clip, rows([0]), Sampling()).latents
    call = {"pixel_values": x, **VISION_CLASSES[kind].call}
    with torch.no_grad():
        before, output = fingerprint(backbone.network), backbone.network(**call).last_hidden_state
    queries_of(backbone, clip, [0, 1], block=1)
    with torch.no_grad():
        after = backbone.network(**call).last_hidden_state
    assert fingerprint(backbone.network) == before and torch.equal(output, after)


def test_nothing_after_the_block_is_computed(folders: dict[str, Path]) -> None:
    backbone, clip, ran = load(folders["dinov2"]), Pictures(SIZE), list[int]()
    for number, layer in enumerate(backbone.network.encoder.layer):
        layer.register_forward_pre_hook(lambda _module, _inputs, number=number: ran.append(number))
    queries_of(backbone, clip, [0], block=1)
    assert ran == [0, 1]


def test_what_is_planned_with_is_what_is_computed(folders: dict[str, Path]) -> None:
    for kind in KINDS:
        grids, backbone = load(folders[kind]).grids, load(folders[kind])
        for block in range(len(grids.cells)):
            found = queries_of(backbone, Pictures(SIZE), [0], block=block)
            height, width = grids.grid(*SIZE, block)
            assert found.shape[1:] == (height * width, grids.features(block)), (kind, block)


@pytest.mark.parametrize("kind", VISION_CLASSES)
def test_defaults_are_the_librarys(kind: str) -> None:
    """A config of the hub may be its model's name alone, or that of its image encoder."""
    from transformers import CONFIG_MAPPING

    whole = CONFIG_MAPPING[kind]().to_dict()
    told: dict[str, Any] = {"model_type": kind}
    inner = told
    for name in VISION_CLASSES[kind].vision:
        assert VisionModel.of("own", told) == VisionModel.of("own", whole)
        inner[name] = inner = {}
    assert VisionModel.of("own", told) == VisionModel.of("own", whole)


@pytest.mark.parametrize("kind", ["siglip", "clip", "sam2_video"])
def test_a_config_need_not_say_what_is_a_default(kind: str, tmp_path: Path) -> None:
    """As those of released models, whose image encoder's are nearly empty."""
    folder = save_vision(tmp_path / "own", kind, patch={"clip": 32, "siglip": 16}.get(kind, 8))
    clip = Pictures(SIZE)
    full = queries_of(load(folder), clip, [0, 1], block=1)
    config = json.loads((folder / "config.json").read_text())
    inner = config["vision_config"]
    for name in VISION_CLASSES[kind].vision[1:]:
        inner = inner[name]
    for name in ("patch_size", "patch_stride", "query_stride", "num_query_pool_stages"):
        inner.pop(name, None)
    (folder / "config.json").write_text(json.dumps(config))
    assert torch.equal(queries_of(load(folder), clip, [0, 1], block=1), full)


def test_what_cannot_be_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    backbone = load(folders["dinov2"])
    with pytest.raises(InputError, match=r"there is no block 7; its blocks are 0 to 2"):
        backbone.check(Sampling(), [7])
    with pytest.raises(InputError, match=r"sampling.margin is 8; leave it out"):
        backbone.check(Sampling(margin=8), [1])
    start = start_of(backbone, Pictures(SIZE), rows([0]), Sampling())
    with pytest.raises(
        InputError, match=r"no masked modulation.*set backbones: own: settings: \{upsampling: \{upsam"
    ):
        backbone.denoise(start, Sampling(), modulation=Modulation())
    with pytest.raises(InputError, match=r"there is no module 'encoder.layr.1' in Dinov2Model; did you mean"):
        queries_of(load(folders["dinov2"], module="encoder.layr.{block}"), Pictures(SIZE), [0], block=1)
    with pytest.raises(InputError, match=r"options.take is 'keys'; set it to 'output'"):
        load(folders["sam2"], take="keys")
    with pytest.raises(ValueError, match=r"options.tak: unknown key; did you mean 'take'\?; options of kind 'vit'"):
        load(folders["dinov2"], tak="keys")
    with pytest.raises(ValueError, match=r"options.module: 'encoder' must have \{block\} once"):
        load(folders["dinov2"], module="encoder")
    with pytest.raises(ValueError, match=r"options of kind 'image': none"):
        BackboneSpec(name="a", path="a", options={"take": "keys"})
    folder = save_vision(tmp_path / "own", "dinov2")
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3}))
    with pytest.raises(InputError, match=r"image_std is None; expected three numbers"):
        load(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match=r"model_type is 'bert'; known: dinov2, "):
        load(folder)
    (folder / "config.json").write_text(json.dumps({"model_type": "dinov2", "patch_size": "large"}))
    with pytest.raises(InputError, match=r"config.json cannot be read \(invalid literal.*'large'\); get it again"):
        load(folder)
    (folder / "config.json").unlink()
    with pytest.raises(
        InputError, match=r"lacks own/config.json; it must be a transformers folder of a vision transf"
    ):
        load(folder)
    with pytest.raises(InputError, match=r"tiny_decoder: it gives features and no images"):
        find_model(BackboneSpec(name="own", kind="vit", path=str(folders["vit"]), tiny_decoder="models/x"))


def entry(folder: Path, **settings: Any) -> dict[str, Any]:
    """Of the configuration, for block 1."""
    chosen = {"features": {"blocks": [1]}, "context": {"blocks": [1]}, "refinement": {"block": 1}}
    return {"kind": "vit", "path": str(folder), "settings": {**chosen, **settings}}


def test_coarse_and_bilinear_maps_come_out_of_the_stages(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    maps = label_maps(tmp_path / "data", entry(folders["dinov3_vit"]))
    assert len(maps) == 2
    for found in maps.values():
        assert found.shape == (3, 64, 96) and len(np.unique(found)) > 1


def test_modulation_is_refused_before_any_job(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    modulated = {"upsampler": "modulation", "modulation": {"block": 1}}
    with pytest.raises(InputError, match=r"backbone 'own': it gives features and no images.*upsampler: bilinear"):
        label_maps(tmp_path / "data", entry(folders["dinov2"], upsampling=modulated))
    assert not (tmp_path / "results").exists()


def test_another_backbone_makes_the_full_resolution_maps(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coarse maps of the transformer, masked modulation of a diffusion model: as a literal call of it gives them."""
    monkeypatch.chdir(tmp_path)
    sampling = {"guidance": 1.0, "steps": 5, "start": 3, "noise": "clip"}
    modulation = {"block": 7, "step": 3, "blend_through": 3}
    diffusion = {
        "title": "diffusion",
        "path": str(save_embedded(tmp_path / "diffusion")),
        "settings": {"sampling": sampling, "features": {"step": 3}, "upsampling": {"modulation": modulation}},
    }
    made = label_maps(
        tmp_path / "data", {**entry(folders["dinov3_vit"]), "upsampled_by": "diffusion"},
        others={"diffusion": diffusion},
    )  # fmt: skip
    (jobs,) = (tmp_path / "results" / "maps").rglob("*by=diffusion")
    (coarse,) = (tmp_path / "results" / "coarse").rglob("0000.json")
    settings = MethodSettings.model_validate(
        {"sampling": sampling, "features": {"step": 3}, "upsampling": {"modulation": modulation}}
    ).stage_upsampling()
    backbone = load_backbone(BackboneSpec(name="diffusion", path=diffusion["path"]), CPU)
    dataset = open_dataset("vspw", {"root": str(tmp_path / "data")})
    assert jobs.is_dir() and len(made) == 2
    for name, found in made.items():
        clip = dataset.clip(name)
        with open_clip(Manifest.load(str(coarse)).verified(name)) as file:
            cells = file["maps"][()]
        assert cells.shape == (3, 8, 12)
        assert settings.sampling is not None
        start = start_of(backbone, clip, rows_of_clip(3, settings.sampling), settings.sampling)
        plain = backbone.denoise(start, settings.sampling, modulation=settings.modulation)
        assert len(np.unique(found)) > 1
        assert np.array_equal(found, modulated_maps(backbone, plain, cells, clip.size, settings, 1.0))


def test_what_cannot_upsample_is_refused(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = entry(folders["vit"])
    with pytest.raises(InputError, match=r"backbones.own.upsampled_by: .*'nothing'"):
        label_maps(tmp_path / "data", {**own, "upsampled_by": "nothing"})
    (tmp_path / "data2").mkdir()
    other = {"title": "other", **entry(folders["dinov2"]), "upsampled_by": "scenes-tiny"}
    with pytest.raises(InputError, match=r"'other' has its own maps upsampled by 'scenes-tiny'; name that one"):
        label_maps(tmp_path / "data2", {**own, "upsampled_by": "other"}, others={"other": other})
