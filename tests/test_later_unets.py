"""UNets that came later: SDXL with its added conditions, and UNets for clean latents."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backbone_checks import CPU, Pictures, fingerprint, found_by_a_unet, label_maps, queries_of, rows
from small_models import save_sdxl, save_stable_diffusion
from zeroshot_vss.backbones.clean_diffusion import CleanDiffusion
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.backbones.prompt import store_prompt
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.xl_diffusion import XLDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

SIZE = (64, 96)
SAMPLING = Sampling(steps=25, start=23, guidance=5.0)


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_sdxl(tmp_path_factory.mktemp("models") / "sdxl")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SD's folder with another state dict in place of its UNet's weights, without metadata."""
    base = tmp_path_factory.mktemp("models")
    folder, other = save_stable_diffusion(base / "sd"), save_stable_diffusion(base / "other", seed=1)
    weights = "unet/diffusion_pytorch_model.safetensors"
    save_file(load_file(other / weights), folder / weights)
    return folder


def load(folder: Path, kind: str, **options: Any) -> Any:
    return load_model(find_model(BackboneSpec(name="own", kind=kind, path=str(folder), options=options)), CPU)


def watched(unet: Any, run: Any) -> list[dict[str, Any]]:
    """What a UNet is called with."""
    calls: list[dict[str, Any]] = []
    handle = unet.register_forward_pre_hook(
        lambda _module, args, kwargs: calls.append({"x": args[0], "t": args[1], **kwargs}), with_kwargs=True
    )
    run()
    handle.remove()
    return calls


def test_sdxl_is_told_what_its_pipeline_tells_it(sdxl: Path) -> None:
    from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import StableDiffusionXLPipeline

    pipeline: Any = StableDiffusionXLPipeline.from_pretrained(sdxl)
    pipeline.set_progress_bar_config(disable=True)
    (theirs,) = watched(
        pipeline.unet,
        lambda: pipeline("", height=SIZE[0], width=SIZE[1], num_inference_steps=1, guidance_scale=5.0,
                         output_type="latent"),
    )  # fmt: skip
    backbone = load(sdxl, "sdxl")
    assert isinstance(backbone, XLDiffusion)
    start = start_of(backbone, Pictures(SIZE), rows([0]), SAMPLING)
    ours = watched(backbone.unet, lambda: backbone.denoise(start, SAMPLING))
    assert len(ours) == 2 and [int(call["t"]) for call in ours] == [79, 39]
    for call in ours:
        assert call["x"].shape == theirs["x"].shape
        assert torch.allclose(call["encoder_hidden_states"], theirs["encoder_hidden_states"], atol=1e-6)
        for name in ("text_embeds", "time_ids"):
            expected: Tensor = theirs["added_cond_kwargs"][name]
            assert torch.allclose(call["added_cond_kwargs"][name], expected, atol=1e-6), name
            assert name == "text_embeds" or expected[0].tolist() == [64, 96, 0, 0, 64, 96]
    assert theirs["added_cond_kwargs"]["text_embeds"].abs().sum() > 0


def test_the_prompt_of_sdxl_is_stored(sdxl: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sdxl, tmp_path / "own")
    made = load(folder, "sdxl")
    store_prompt(folder)
    for name in ("text_encoder", "text_encoder_2", "tokenizer", "tokenizer_2"):
        shutil.rmtree(folder / name)
    stored = load(folder, "sdxl")
    assert torch.equal(made.contexts, stored.contexts) and torch.equal(made.pooled, stored.pooled)


@pytest.mark.parametrize(
    ("kind", "block", "blocks", "sampling"),
    [("sdxl", 4, range(6), SAMPLING), ("clean", 7, range(3, 12), Sampling(guidance=1, posterior="mean"))],
)
def test_frames_are_each_for_itself(
    kind: str, block: int, blocks: range, sampling: Sampling, sdxl: Path, clean: Path
) -> None:
    backbone, clip = load({"clean": clean, "sdxl": sdxl}[kind], kind), Pictures((64, 128))
    assert backbone.geometry.attention_blocks() == list(blocks)
    before = fingerprint(backbone.unet)
    together = queries_of(backbone, clip, [0, 1, 2], block, sampling)
    turned = queries_of(backbone, clip, [2, 0, 1], block, sampling)
    alone = torch.cat([queries_of(backbone, clip, [frame], block, sampling) for frame in (0, 1, 2)])
    height, width = backbone.grid(64, 128, block)
    assert together.shape[:2] == (3, height * width)
    assert torch.allclose(together, alone, atol=1e-4) and torch.allclose(together[[2, 0, 1]], turned, atol=1e-4)
    assert (together[0] - together[1]).abs().mean() > 1e-3
    assert fingerprint(backbone.unet) == before


def test_maps_of_sdxl_are_modulated(sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masked modulation runs as with any other UNet."""
    monkeypatch.chdir(tmp_path)
    settings = {
        "sampling": {"steps": 4, "start": 2}, "features": {"blocks": [4], "step": 3}, "context": {"blocks": [4]},
        "refinement": {"block": 4},
        "upsampling": {"upsampler": "modulation", "filter": 0.7,
                       "modulation": {"block": 4, "step": 2, "blend_through": 2}},
    }  # fmt: skip
    maps = label_maps(tmp_path / "data", {"kind": "sdxl", "path": str(sdxl), "settings": settings})
    assert all(found.shape == (3, 64, 96) and len(np.unique(found)) > 1 for found in maps.values())


def test_clean_latents_are_seen_as_they_are(clean: Path) -> None:
    backbone, clip = load(clean, "clean", timestep=5), Pictures((64, 128))
    assert isinstance(backbone, CleanDiffusion)
    sampling = Sampling(guidance=1, posterior="mean")
    (call,) = watched(backbone.unet, lambda: queries_of(backbone, clip, [0, 1], 7, sampling))
    with torch.no_grad():
        pixels = torch.from_numpy(clip.pictures[:2].transpose(0, 3, 1, 2)).float() / 127.5 - 1
        expected = backbone.vae.encode(pixels).latent_dist.mean * 0.18215
    assert torch.allclose(call["x"], expected, atol=1e-5) and int(call["t"]) == 5
    # Neither the noise nor the step counts.
    first = queries_of(backbone, clip, [0], 7, sampling)
    other = sampling.model_copy(update={"seed": 5, "steps": 10, "start": 2})
    assert torch.equal(first, queries_of(backbone, clip, [0], 7, other))
    image = load(clean, "image")
    assert all(torch.equal(a, b) for a, b in zip(image.unet.parameters(), backbone.unet.parameters(), strict=True))


@pytest.mark.parametrize(("kind", "block"), [("clean", 9), ("sdxl", 5)])
def test_a_planted_correspondence_is_found(kind: str, block: int, sdxl: Path, clean: Path) -> None:
    backbone = load({"clean": clean, "sdxl": sdxl}[kind], kind)
    before = fingerprint(backbone.unet)
    found, stayed = found_by_a_unet(backbone, block, Sampling(guidance=1, start=24), (64, 256))
    assert found >= 0.9 and stayed <= 0.1
    assert fingerprint(backbone.unet) == before


def test_coarse_and_bilinear_maps_come_out_of_the_stages(
    clean: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    entry = {"kind": "clean", "path": str(clean), "settings": {"sampling": {"guidance": 1}}}
    maps = label_maps(tmp_path / "data", entry)
    assert all(found.shape == (3, 64, 96) and len(np.unique(found)) > 1 for found in maps.values())


def test_what_cannot_be_is_refused(sdxl: Path, clean: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"addition_embed_type is None; expected 'text_time'"):
        folder = shutil.copytree(clean, tmp_path / "sd")
        shutil.copy(sdxl / "model_index.json", folder)
        load(folder, "sdxl")
    backbone = load(clean, "clean")
    with pytest.raises(InputError, match=r"guidance 5.0 needs a model with an unconditional context"):
        backbone.check(Sampling(), [7])
    start = start_of(backbone, Pictures(SIZE), rows([0]), Sampling(guidance=1))
    with pytest.raises(InputError, match=r"it does not denoise.*upsampler: bilinear"):
        backbone.denoise(start, Sampling(guidance=1), modulation=Modulation())
    with pytest.raises(ValueError, match=r"options.timestep: Input should be less than 1000 \(got 1000\)"):
        load(clean, "clean", timestep=1000)
    folder = shutil.copytree(sdxl, tmp_path / "xl")
    config = json.loads((folder / "unet" / "config.json").read_text())
    (folder / "unet" / "config.json").write_text(json.dumps({**config, "projection_class_embeddings_input_dim": 57}))
    with pytest.raises(InputError, match=r"the weights in .* cannot be loaded"):
        load(folder, "sdxl")
