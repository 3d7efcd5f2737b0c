"""Video diffusion transformers in a configuration: a batch is a clip by itself, and what cannot be is refused."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from backbone_checks import label_maps
from small_transformers import save_transformer
from small_videos import MAKE, prompt_of, save_video_transformer
from test_config import shipped
from test_video_transformers import GRID, SAMPLING, load
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.token_video import VideoTokenDiffusion
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.method import MethodSettings
from zeroshot_vss.settings.sampling import MethodSampling, Sampling
from zeroshot_vss.workflow.paths import folder_name


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("videos")
    return {family: save_video_transformer(base / family, family) for family in MAKE}


def test_frames_go_together_by_the_kind_alone() -> None:
    """Nothing is written for it, and settings of other kinds are as they were before there was the switch."""
    entry = {"title": "own", "kind": "video-transformer", "path": "models/none"}
    config = read_config(merge(shipped(), {"backbones": {"own": entry}}))
    chosen = config.method_settings("ours", "own").stage_sampling()
    assert chosen.coupled and chosen.together and chosen.time_ids is None and chosen.batches is not None
    assert "together=yes" in folder_name(chosen)
    for name in ("scenes-tiny", "scenes-tiny-video"):
        settings = config.method_settings("ours", name)
        assert "together" not in settings.model_dump_json() + folder_name(settings.stage_sampling())
        assert settings.sampling.coupled == (name == "scenes-tiny-video")
    assert "together" not in MethodSettings().model_dump()["sampling"] and not MethodSampling(together=None).coupled
    assert MethodSampling.model_validate(chosen.model_dump(exclude={"batches"})).together


def entry(folder: Path, **sampling: Any) -> dict[str, Any]:
    """Of the configuration, for block 1 at the last of 50 steps."""
    settings = {
        "sampling": {"steps": 50, "start": 49, "guidance": 1, **sampling}, "features": {"blocks": [1], "step": 49},
        "context": {"blocks": [1]}, "refinement": {"block": 1},
    }  # fmt: skip
    return {"kind": "video-transformer", "path": str(folder), "options": {"take": "queries"}, "settings": settings}


@pytest.mark.parametrize("family", ["cogvideox", "wan", "hunyuan"])
def test_coarse_and_bilinear_maps_come_out_of_the_stages(
    family: str, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    maps = label_maps(tmp_path / "data", entry(folders[family]))
    assert len(maps) == 2
    for found in maps.values():
        assert found.shape == (3, 64, 96) and len(np.unique(found)) > 1


@pytest.mark.parametrize("family", MAKE)
def test_blocks_and_sizes_that_are_not_there_are_refused(family: str, folders: dict[str, Path]) -> None:
    backbone = load(folders[family])
    last = {"hunyuan": 3}.get(family, 2)
    with pytest.raises(InputError, match=rf"there is no block {last + 1}; its blocks are 0 to {last}"):
        backbone.check(SAMPLING, [last + 1])
    assert backbone.multiple == (32 if family in ("ltx", "wan-5b") else 16)
    assert backbone.grid(64, 96, last) == GRID[family]
    with pytest.raises(InputError, match=rf"frames are 100 x 64 pixels; expected multiples of {backbone.multiple}"):
        backbone.encode(np.zeros((1, 64, 100, 3), np.uint8), None)


def test_settings_of_other_kinds_are_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    backbone = load(folders["wan"])
    with pytest.raises(InputError, match=r"sampling.guidance is 5.0; set it to 1"):
        backbone.check(Sampling(together=True, batches=Batches()), [1])
    with pytest.raises(InputError, match=r"sampling.together is off; leave it out"):
        backbone.check(Sampling(guidance=1), [1])
    with pytest.raises(InputError, match=r"sampling.time_ids is \[6.0, 127.0, 0.02\]; leave it out"):
        backbone.check(Sampling(guidance=1, time_ids=(6, 127, 0.02), batches=Batches()), [1])
    # Twelve latent frames, the first of one frame and eleven of four.
    backbone.check(SAMPLING.model_copy(update={"batches": Batches(size=45)}), [1])
    with pytest.raises(InputError, match=r"context.batches.size is 46; expected at most 45"):
        backbone.check(SAMPLING.model_copy(update={"batches": Batches(size=46)}), [1])
    with pytest.raises(InputError, match=r"frames of 208 x 64 pixels are 13 tokens long, more than the 12"):
        backbone.encode(np.zeros((1, 64, 208, 3), np.uint8), None)
    image = save_transformer(tmp_path / "sd3", "sd3")
    spec = BackboneSpec(name="own", kind="transformer", path=str(image))
    fault = find_model(spec).geometry.fault(SAMPLING, [1])
    assert fault is not None and "sampling.together is true; leave it out" in fault
    with pytest.raises(InputError, match=r"is of a SD3Transformer2DModel; .*set kind: transformer, or take one"):
        load(image)
    with pytest.raises(InputError, match=r"is of a WanTransformer3DModel; .*set kind: video-transformer, or take"):
        find_model(BackboneSpec(name="own", kind="transformer", path=str(folders["wan"])))


CHANGES = [
    ("cogvideox", "transformer", {"patch_size_t": 2}, r"patch_size_t is 2; take CogVideoX 2B or 5B, not 1.5"),
    ("cogvideox", "transformer", {"use_learned_positional_embeddings": True}, r"take a text-to-video model"),
    ("cogvideox", "transformer", {"in_channels": 8}, r"latents have 4 channels, the transformer takes 8; text-to-"),
    ("cogvideox", "vae", {"_class_name": "AutoencoderKLWan"}, r"of a AutoencoderKLWan, expected a AutoencoderKLCogV"),
    ("cogvideox", "transformer", {"num_layers": None}, r"the config of its transformer or VAE lacks"),
    ("wan", "transformer", {"patch_size": [2, 2, 2]}, r"patch_size is \[2, 2, 2\]; take a model with \[1, n, n\]"),
    ("wan", "transformer", {"image_dim": 8}, r"image_dim is 8; take a text-to-video model"),
    ("ltx", "transformer", {"patch_size_t": 2}, r"patch_size_t is 2; take a model with 1"),
    ("hunyuan", "transformer", {"image_condition_type": "token_replace"}, r"is 'token_replace'; take the text-to-vi"),
]


@pytest.mark.parametrize(("family", "part", "change", "message"), CHANGES)
def test_models_that_cannot_be_used_are_refused(
    family: str, part: str, change: dict[str, Any], message: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Before any weights are read: the configs alone are there."""
    folder = shutil.copytree(folders[family], tmp_path / "own")
    path = folder / part / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=message):
        find_model(BackboneSpec(name="own", kind="video-transformer", path=str(folder)))


def test_a_prompt_of_another_length_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    """Where positions are added to text and video in one sequence: CogVideoX 2B."""
    for family in ("cogvideox", "cogvideox-5b"):
        folder = shutil.copytree(folders[family], tmp_path / family)
        save_file({"prompt_embeds": torch.zeros(4, 32)}, folder / "prompt.safetensors")
    with pytest.raises(InputError, match=r"'prompt_embeds' has 4 tokens; expected 5, the max_text_seq_length"):
        load(tmp_path / "cogvideox")
    load(tmp_path / "cogvideox-5b")


def test_the_empty_prompt_of_wan_is_as_long_as_in_its_pipeline(folders: dict[str, Path], tmp_path: Path) -> None:
    from diffusers.pipelines.wan.pipeline_wan import WanPipeline
    from transformers import T5Tokenizer, UMT5Config, UMT5EncoderModel

    folder = shutil.copytree(folders["wan"], tmp_path / "own")
    torch.manual_seed(1)
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -1.0), ("a", -2.0)]
    sizes = UMT5Config(vocab_size=8, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    kind: Any = WanPipeline
    pipeline = kind.from_pretrained(
        folder, transformer=None, text_encoder=UMT5EncoderModel(sizes).eval(),
        tokenizer=T5Tokenizer(vocab=words, extra_ids=0),
    )  # fmt: skip
    index = json.loads((folder / "model_index.json").read_text())
    pipeline.save_pretrained(folder)
    saved = json.loads((folder / "model_index.json").read_text())
    (folder / "model_index.json").write_text(json.dumps({**saved, "transformer": index["transformer"]}))
    (folder / "prompt.safetensors").unlink()
    with torch.no_grad():
        expected, _ = pipeline.encode_prompt("", do_classifier_free_guidance=False, max_sequence_length=512)
    found = load(folder).prompt["prompt_embeds"]
    assert found.shape == (512, 32) and torch.equal(found, expected[0]) and found[0].abs().max() > 0


def test_some_modules_of_wan_stay_in_single_precision(folders: dict[str, Path]) -> None:
    """As diffusers loads it; the weights themselves are rounded nowhere on the way."""
    from zeroshot_vss.backbones.loading import load_model

    spec = BackboneSpec(name="own", kind="video-transformer", path=str(folders["wan"]), precision="bfloat16")
    half, whole = load_model(find_model(spec), torch.device("cpu")), load(folders["wan"])
    assert isinstance(half, VideoTokenDiffusion)
    kinds = {name: value.dtype for name, value in half.network.named_parameters()}
    assert half.dtype == torch.bfloat16 == kinds["blocks.0.attn1.to_q.weight"]
    assert kinds["scale_shift_table"] == kinds["blocks.1.scale_shift_table"] == torch.float32
    assert kinds["condition_embedder.time_embedder.linear_1.weight"] == torch.float32
    for name, value in half.network.named_parameters():
        assert torch.equal(value, whole.network.get_parameter(name).to(value.dtype)), name
    found = half.encode(np.zeros((2, 32, 32, 3), np.uint8), None)
    assert found.dtype == torch.float32 and found.isfinite().all()


def test_planning_imports_no_torch(folders: dict[str, Path]) -> None:
    assert set(prompt_of("hunyuan")) == {"prompt_embeds", "prompt_attention_mask", "pooled_prompt_embeds"}
    code = f"""
import sys
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.spec import BackboneSpec
for family, folder in {[(name, str(path)) for name, path in folders.items()]!r}:
    model = find_model(BackboneSpec(name="own", kind="video-transformer", path=folder))
    assert model.digest and model.geometry.coupled
    assert model.geometry.multiple == (32 if family in ("ltx", "wan-5b") else 16)
    assert model.modules == ("zeroshot_vss.backbones.families." + family.removesuffix("-5b"),)
assert not {{"torch", "diffusers", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
