"""Diffusion transformers as backbones: tokens are those of the library's own pipelines, nothing is patched."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from backbone_checks import CPU, Pictures, fingerprint, label_maps, matches, moved, queries_of, rows
from small_transformers import WORDS, save_spiece, save_transformer, save_vision
from zeroshot_vss.__main__ import main
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.backbones.noise_path import make_path
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.token_diffusion import TokenDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

FAMILIES = ("flux", "sd3", "pixart")
SIZE, CELLS = (64, 96), 4 * 6
SAMPLING = Sampling(steps=50, start=49, guidance=1, noise="clip", posterior="mean")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("transformers")
    return {family: save_transformer(base / family, family) for family in FAMILIES}


def load(folder: Path, **options: Any) -> TokenDiffusion:
    spec = BackboneSpec(name="own", kind="transformer", path=str(folder), options=options)
    backbone = load_model(find_model(spec), CPU)
    assert isinstance(backbone, TokenDiffusion)
    return backbone


def pipeline_of(folder: Path) -> Any:
    from diffusers import DiffusionPipeline

    index = json.loads((folder / "model_index.json").read_text())
    absent: dict[str, Any] = {name: None for name, value in index.items() if value == [None, None]}
    pipeline = DiffusionPipeline.from_pretrained(folder, **absent)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def run_pipeline(folder: Path, family: str, x: Tensor, time: float, watch: Callable[[Any], Any]) -> Tensor:
    """The pipeline's own run of one step from the state x at a time; `watch` is told its network."""
    pipeline = pipeline_of(folder)
    embeds: dict[str, Any] = {name: value[None] for name, value in load_file(folder / "prompt.safetensors").items()}
    handle = watch(pipeline.transformer)
    common: dict[str, Any] = {"height": SIZE[0], "width": SIZE[1], "output_type": "latent", **embeds}
    if family == "flux":
        packed = pipeline._pack_latents(x, *x.shape)
        result = pipeline(latents=packed, sigmas=[time / 1000], num_inference_steps=1, **common).images
        result = pipeline._unpack_latents(result, *SIZE, pipeline.vae_scale_factor)
    elif family == "sd3":
        result = pipeline(latents=x, sigmas=[time / 1000], num_inference_steps=1, guidance_scale=1, **common).images
    else:
        common |= {"negative_prompt": None, "guidance_scale": 1, "use_resolution_binning": False}
        result = pipeline(latents=x, timesteps=[int(time)], **common).images
    handle.remove()
    return result


def hooked(module: str, seen: list[Any], inputs: bool = False) -> Callable[[Any], Any]:
    """Watches a module of a network."""

    def watch(network: Any) -> Any:
        return network.get_submodule(module).register_forward_hook(
            lambda _module, args, output: seen.append(args[0] if inputs else output)
        )

    return watch


BLOCKS = {
    "flux": ("transformer_blocks.1", "single_transformer_blocks.1"),
    "sd3": ("transformer_blocks.0", "transformer_blocks.1"),
    "pixart": ("transformer_blocks.0", "transformer_blocks.1"),
}
NUMBERS = {"flux": (1, 3), "sd3": (0, 1), "pixart": (0, 1)}


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("take", ["output", "queries", "keys", "modulated"])
@pytest.mark.parametrize("family", FAMILIES)
def test_tokens_are_those_of_the_pipeline(family: str, take: str, which: int, folders: dict[str, Path]) -> None:
    backbone, clip = load(folders[family], take=take), Pictures(SIZE)
    found = queries_of(backbone, clip, [1], NUMBERS[family][which], SAMPLING)
    x = start_of(backbone, clip, [Row(1, 0, 0)], SAMPLING).latents
    seen: list[Any] = []
    path = BLOCKS[family][which]
    if take != "output":
        path += f".{'attn1' if family == 'pixart' else 'attn'}.{'to_k' if take == 'keys' else 'to_q'}"
    time = backbone.path(50).timesteps[49].item()
    run_pipeline(folders[family], family, x, time, hooked(path, seen, take == "modulated"))
    (expected,) = seen
    expected = expected[1] if isinstance(expected, tuple) else expected
    assert found.shape == (1, CELLS, 32)
    # Text stands before the image, and in the single blocks of FLUX alone in one sequence with it.
    assert expected.shape[1] - CELLS == (5 if take != "output" and "single" in path else 0)
    assert torch.allclose(found, expected[:, -CELLS:], atol=1e-5, rtol=1e-4)
    assert found.std(1).mean() > 1e-2


LEGACY = {"double_self_attention": False, "num_vector_embeds": None, "only_cross_attention": False,
          "use_linear_projection": False}  # fmt: skip
"""Keys of the released PixArt's config.json that its own class does not know."""


def as_released(folder: Path) -> dict[str, Any]:
    """Write a PixArt's configs as those of its releases; returns the transformer's."""
    path, index = folder / "transformer" / "config.json", folder / "model_index.json"
    released = {**json.loads(path.read_text()), **LEGACY, "_class_name": "Transformer2DModel"}
    for key in ("interpolation_scale", "use_additional_conditions"):
        del released[key]  # younger than the release
    path.write_text(json.dumps(released))
    parts = {**json.loads(index.read_text()), "transformer": ["diffusers", "Transformer2DModel"]}
    index.write_text(json.dumps(parts))
    return released


def test_pixart_is_loaded_from_the_config_of_its_release(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["pixart"], tmp_path / "own")
    released = as_released(folder)
    clip = Pictures(SIZE)
    for take in ("output", "modulated"):
        expected = queries_of(load(folders["pixart"], take=take), clip, [0, 1], 1, SAMPLING)
        assert torch.equal(queries_of(load(folder, take=take), clip, [0, 1], 1, SAMPLING), expected)
    found = find_model(BackboneSpec(name="own", kind="transformer", path=str(folder)))
    assert found.geometry == load(folders["pixart"]).grids
    assert found.modules == ("zeroshot_vss.backbones.families.pixart",)
    (folder / "transformer" / "config.json").write_text(json.dumps({**released, "norm_type": "ada_norm_zero"}))
    with pytest.raises(InputError, match=r"is of a Transformer2DModel with norm_type 'ada_norm_zero' \(PixArt's ha"):
        load(folder)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_step_is_the_pipelines(family: str, folders: dict[str, Path]) -> None:
    """The last step ends at the clean latent that the network predicts."""
    backbone, clip = load(folders[family]), Pictures(SIZE)
    start = start_of(backbone, clip, rows([0]), SAMPLING)
    found = backbone.denoise(start, SAMPLING).states[49]
    time = backbone.path(50).timesteps[49].item()
    expected = run_pipeline(folders[family], family, start.latents, time, hooked("norm_out", []))
    assert torch.allclose(found, expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("family", FAMILIES)
def test_latents_are_noised_as_by_the_scheduler(family: str, folders: dict[str, Path]) -> None:
    from diffusers.schedulers.scheduling_ddpm import DDPMScheduler

    backbone, pipeline, clip = load(folders[family]), pipeline_of(folders[family]), Pictures(SIZE)
    latents, noise = torch.randn(2, 2, 4, 8, 12, generator=torch.Generator().manual_seed(0))
    for step in (49, 37, 10):
        sampling = SAMPLING.model_copy(update={"start": step})
        found = backbone.add_noise(latents, noise, sampling)
        scheduler = type(pipeline.scheduler).from_config(pipeline.scheduler.config)
        if family == "pixart":
            assert backbone.path(50).timesteps[step] == 1000 - 20 * step - 1
            trained: Any = DDPMScheduler.from_config(pipeline.scheduler.config)
            expected = trained.add_noise(latents, noise, torch.tensor([1000 - 20 * step - 1] * 2))
        else:
            assert backbone.path(50).timesteps[step] == pytest.approx(1000 - 20 * step)
            expected = scheduler.scale_noise(latents, scheduler.timesteps[20 * step][None], noise)
        assert torch.allclose(found, expected, atol=1e-5)
    # As image-to-image pipelines encode.
    config = pipeline.vae.config
    pixels = torch.from_numpy(clip.pictures.transpose(0, 3, 1, 2)).float() / 255 * 2 - 1
    with torch.no_grad():
        mean = pipeline.vae.encode(pixels).latent_dist.mean
    expected = (mean - (config.shift_factor or 0)) * config.scaling_factor
    assert torch.allclose(backbone.encode(clip.pictures, None), expected, atol=1e-5)


@pytest.mark.parametrize(
    "config",
    [
        {"_class_name": "FlowMatchEulerDiscreteScheduler", "shift": 3.0},
        {"_class_name": "UniPCMultistepScheduler", "flow_shift": 3.0, "prediction_type": "flow_prediction",
         "use_flow_sigmas": True},
    ],
)  # fmt: skip
def test_a_constant_shift_is_the_schedulers(config: dict[str, Any]) -> None:
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    scheduler: Any = FlowMatchEulerDiscreteScheduler(shift=3.0)
    path = make_path(config, 50)
    assert torch.allclose(path.timesteps, scheduler.timesteps[::20], rtol=1e-5)
    assert torch.allclose(path.noise[:-1] * 1000, path.timesteps) and path.noise[-1] == 0 and path.signal[-1] == 1


def test_steps_towards_the_clean_latent_are_exact_for_the_true_answer() -> None:
    clean, noise = torch.randn(2, 1, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    betas: dict[str, Any] = {"_class_name": "DDIMScheduler", "beta_schedule": "linear", "beta_start": 1e-4,
                             "beta_end": 0.02}  # fmt: skip
    for config in (
        {**betas, "prediction_type": "epsilon"},
        {**betas, "prediction_type": "v_prediction"},
        {"_class_name": "FlowMatchEulerDiscreteScheduler"},
    ):
        path = make_path(config, 10)
        a, s = path.signal[6], path.noise[6]
        answer = {"epsilon": noise, "v_prediction": a * noise - s * clean, "flow": noise - clean}[path.predicts]
        found = path.advance(path.noised(clean, noise, 6), answer, 6)
        assert torch.allclose(found, path.noised(clean, noise, 7), atol=1e-5), config


@pytest.mark.parametrize("family", FAMILIES)
def test_a_frame_has_the_same_tokens_in_any_company(family: str, folders: dict[str, Path]) -> None:
    clip, backbone = Pictures(SIZE), load(folders[family])
    together = queries_of(backbone, clip, [0, 1, 2], 1, SAMPLING)
    turned = queries_of(backbone, clip, [2, 0, 1], 1, SAMPLING)
    alone = torch.cat([queries_of(backbone, clip, [frame], 1, SAMPLING) for frame in (0, 1, 2)])
    assert torch.allclose(together, alone, atol=1e-4) and torch.allclose(together[[2, 0, 1]], turned, atol=1e-4)
    assert (together[0] - together[1]).abs().mean() > 1e-2


@pytest.mark.parametrize("family", FAMILIES)
def test_a_planted_correspondence_is_found(family: str, folders: dict[str, Path]) -> None:
    """Latent cells of noise moved to other places; the first block's queries know them again."""
    backbone = load(folders[family], take="queries")
    clip, truth = moved((4, 6), 1)
    picture = torch.from_numpy(clip.pictures).float().permute(0, 3, 1, 2)
    cells = torch.nn.functional.interpolate(picture, scale_factor=2.0, mode="nearest") / 5
    latents = torch.cat([cells, cells[:, :1]], 1)
    start = type(start_of(backbone, Pictures(SIZE), rows([0]), SAMPLING))(latents)
    tokens = backbone.denoise(start, SAMPLING, [(0, 49)], last=49).queries[0, 49]
    assert matches(tokens, truth) >= 0.9


@pytest.mark.parametrize("family", FAMILIES)
def test_the_network_stays_as_it_was(family: str, folders: dict[str, Path]) -> None:
    backbone, clip = load(folders[family]), Pictures(SIZE)
    start = start_of(backbone, clip, rows([0]), SAMPLING)
    before, output = fingerprint(backbone.network), backbone.denoise(start, SAMPLING).states[49]
    queries_of(backbone, clip, [0, 1], 1, SAMPLING)
    assert fingerprint(backbone.network) == before
    assert torch.equal(backbone.denoise(start, SAMPLING).states[49], output)


@pytest.mark.parametrize("family", ["flux", "sd3"])
def test_a_shift_of_all_channels_has_no_effect(family: str, folders: dict[str, Path]) -> None:
    """Why there is no masked modulation: what is said of it when it is refused.

    PixArt's cross-attention has no norm before its queries, by which alone a shift has an effect there: how much on a
    trained one, tests/test_small_transformer.py measures.
    """
    backbone, clip = load(folders[family]), Pictures(SIZE)
    start = start_of(backbone, clip, rows([0]), SAMPLING)
    plain = backbone.denoise(start, SAMPLING).states[49]
    mask = (torch.arange(CELLS) % 2)[:, None] * 50.0

    def shifted(_module: Any, _args: Any, output: Any) -> Any:
        return (output[0], output[1] + mask) if isinstance(output, tuple) else output + mask

    handle = backbone.network.get_submodule(BLOCKS[family][1]).register_forward_hook(shifted)
    modulated = backbone.denoise(start, SAMPLING).states[49]
    handle.remove()
    assert torch.allclose(plain, modulated, atol=1e-3)
    with pytest.raises(InputError, match=r"norms behind a block take out.*upsampler: bilinear"):
        backbone.denoise(start, SAMPLING, modulation=Modulation(step=49))


def test_nothing_after_the_block_is_computed(folders: dict[str, Path]) -> None:
    backbone, ran = load(folders["flux"]), list[str]()
    for name in ("transformer_blocks.1", "single_transformer_blocks.0", "single_transformer_blocks.1", "proj_out"):
        module = backbone.network.get_submodule(name)
        module.register_forward_pre_hook(lambda _module, _args, name=name: ran.append(name))
    queries_of(backbone, Pictures(SIZE), [0], 2, SAMPLING)
    assert ran == ["transformer_blocks.1", "single_transformer_blocks.0"]


def test_massive_channels_are_left_out(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(folders["sd3"], tmp_path / "own")
    weights = load_file(folder / "transformer" / "diffusion_pytorch_model.safetensors")
    weights["transformer_blocks.1.ff.net.2.bias"][[3, 20]] = torch.tensor([4e3, -3e3])
    save_file(weights, folder / "transformer" / "diffusion_pytorch_model.safetensors", {"format": "pt"})
    clip = Pictures(SIZE)
    plain = queries_of(load(folder), clip, [0, 1], 1, SAMPLING)
    largest, second = plain.abs().mean((0, 1)).topk(2).indices.tolist()
    assert {largest, second} == {3, 20}
    expected = plain.clone()
    expected[..., [3, 20]] = 0
    assert torch.equal(queries_of(load(folder, massive=2), clip, [0, 1], 1, SAMPLING), expected)
    assert torch.equal(queries_of(load(folder, drop=[3, 20]), clip, [0, 1], 1, SAMPLING), expected)
    assert torch.equal(queries_of(load(folder, drop=[second], massive=1), clip, [0, 1], 1, SAMPLING), expected)


def entry(folder: Path) -> dict[str, Any]:
    """Of the configuration, for block 1 at the last of 50 steps."""
    settings = {
        "sampling": {"steps": 50, "start": 49, "guidance": 1}, "features": {"blocks": [1], "step": 49},
        "context": {"blocks": [1]}, "refinement": {"block": 1},
    }  # fmt: skip
    return {"kind": "transformer", "path": str(folder), "settings": settings}


@pytest.mark.parametrize("family", FAMILIES)
def test_coarse_and_bilinear_maps_come_out_of_the_stages(
    family: str, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    maps = label_maps(tmp_path / "data", entry(folders[family]))
    assert len(maps) == 2
    for found in maps.values():
        assert found.shape == (3, 64, 96) and len(np.unique(found)) > 1


def test_what_cannot_be_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    backbone = load(folders["sd3"])
    with pytest.raises(InputError, match=r"sampling.guidance is 5.0; set it to 1"):
        backbone.check(Sampling(), [1])
    with pytest.raises(InputError, match=r"there is no block 3; its blocks are 0 to 2"):
        backbone.check(SAMPLING, [3])
    with pytest.raises(InputError, match=r"frames of 208 x 64 pixels are 13 tokens long, more than the 12"):
        backbone.encode(np.zeros((1, 64, 208, 3), np.uint8), None)
    assert "set sampling.height" in str(backbone.grids.misfit((64, 208), SAMPLING, [1]))
    with pytest.raises(InputError, match=r"options.drop has channel 32; its tokens have 32, from 0"):
        load(folders["sd3"], drop=[32])
    with pytest.raises(InputError, match=r"no module 'transformer_blocks.1.fff' in SD3Transformer2DModel; did you"):
        queries_of(load(folders["sd3"], module="transformer_blocks.{block}.fff"), Pictures(SIZE), [0], 1, SAMPLING)
    folder = shutil.copytree(folders["sd3"], tmp_path / "own")
    save_file({"prompt_embeds": torch.zeros(5, 32)}, folder / "prompt.safetensors")
    with pytest.raises(InputError, match=r"has no 'pooled_prompt_embeds'; expected prompt_embeds, pooled_prompt_emb"):
        load(folder)
    save_file({"prompt_embeds": torch.zeros(5, 16)}, folder / "prompt.safetensors")
    with pytest.raises(InputError, match=r"'prompt_embeds' is 16 wide, the network expects 32"):
        load(folder)
    (folder / "prompt.safetensors").unlink()
    with pytest.raises(InputError, match=r"lacks prompt.safetensors \(`zeroshot-vss prompt FOLDER` makes it\), or"):
        load(folder)
    shutil.copy(folders["sd3"] / "prompt.safetensors", folder)
    config = json.loads((folder / "transformer" / "config.json").read_text())
    for change, message in (
        ({"_class_name": "SomeTransformer"}, r"is of a SomeTransformer; known: FluxTransformer2DModel, PixArtTra"),
        ({"in_channels": 16}, r"the weights in .* cannot be loaded"),
    ):
        (folder / "transformer" / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(InputError, match=message):
            load(folder)


def test_the_empty_prompt_is_stored_once(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the pipeline's own text encoder makes of the empty prompt, by the command and without it."""
    from diffusers.pipelines.pixart_alpha.pipeline_pixart_sigma import PixArtSigmaPipeline
    from transformers import T5Config, T5EncoderModel, T5Tokenizer

    folder = shutil.copytree(folders["pixart"], tmp_path / "own")
    torch.manual_seed(1)
    words = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("▁", -1.0), ("a", -2.0)]
    encoder = T5EncoderModel(T5Config(vocab_size=8, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)).eval()
    pipeline: Any = PixArtSigmaPipeline.from_pretrained(
        folder, text_encoder=encoder, tokenizer=T5Tokenizer(vocab=words, extra_ids=0)
    )
    pipeline.save_pretrained(folder)
    as_released(folder)
    (folder / "prompt.safetensors").unlink()
    with torch.no_grad():
        expected, mask, *_ = pipeline.encode_prompt("", do_classifier_free_guidance=False)
    made, parts = load(folder), set(find_model(BackboneSpec(name="a", kind="transformer", path=str(folder))).parts)
    assert {"text_encoder", "tokenizer", "model_index"} < parts
    monkeypatch.setattr(sys, "argv", ["zeroshot-vss", "prompt", str(folder)])
    main()
    stored = load(folder)
    for backbone in (made, stored):
        assert torch.equal(backbone.prompt["prompt_embeds"], expected[0])
        assert torch.equal(backbone.prompt["prompt_attention_mask"], mask[0].float()) and mask.sum() == 1
    # The text encoder is no part of the model any more.
    found = find_model(BackboneSpec(name="a", kind="transformer", path=str(folder)))
    assert set(found.parts) == {"transformer", "vae", "scheduler", "prompt"}
    shutil.rmtree(folder / "text_encoder")
    (folder / "prompt.safetensors").unlink()
    with pytest.raises(InputError, match=r"lacks prompt.safetensors"):
        find_model(BackboneSpec(name="a", kind="transformer", path=str(folder)))


@pytest.mark.parametrize("name", ["T5Tokenizer", "T5TokenizerFast"])
def test_a_tokenizer_may_be_a_spiece_model_alone(
    name: str, folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of T5 are released: the command gives what the encoder makes of sentencepiece's own tokens."""
    from transformers import AutoTokenizer, T5Config, T5EncoderModel

    folder = shutil.copytree(folders["pixart"], tmp_path / "own")
    (folder / "prompt.safetensors").unlink()
    torch.manual_seed(1)
    encoder = T5EncoderModel(T5Config(vocab_size=48, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2)).eval()
    encoder.save_pretrained(folder / "text_encoder")
    own = save_spiece(folder / "tokenizer")
    index = json.loads((folder / "model_index.json").read_text())
    index |= {"text_encoder": ["transformers", "T5EncoderModel"], "tokenizer": ["transformers", name]}
    (folder / "model_index.json").write_text(json.dumps(index))
    assert {path.name for path in (folder / "tokenizer").iterdir()} == {"spiece.model", "tokenizer_config.json"}
    read: Any = AutoTokenizer.from_pretrained(folder / "tokenizer")
    assert [read(words).input_ids for words in WORDS] == [[*own.encode(words), own.eos_id()] for words in WORDS]
    monkeypatch.setattr(sys, "argv", ["zeroshot-vss", "prompt", str(folder)])
    main()
    stored = load_file(folder / "prompt.safetensors")
    mask = stored["prompt_attention_mask"]
    tokens = [own.eos_id()] + [own.pad_id()] * (len(mask) - 1)
    with torch.no_grad():
        (expected,) = encoder(torch.tensor([tokens]), attention_mask=mask[None])[0]
    assert mask.tolist() == [1] + [0] * (len(mask) - 1) and torch.allclose(stored["prompt_embeds"], expected)


def test_planning_imports_no_torch(folders: dict[str, Path], tmp_path: Path) -> None:
    vision = save_vision(tmp_path / "vit", "dinov3_vit")
    code = f"""
import sys
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.spec import BackboneSpec
for kind, folder in (("vit", {str(vision)!r}), ("transformer", {str(folders["flux"])!r})):
    model = find_model(BackboneSpec(name="own", kind=kind, path=folder))
    assert model.digest and model.geometry.multiple == {{"vit": 8, "transformer": 16}}[kind]
    assert model.modules == {{"vit": (), "transformer": ("zeroshot_vss.backbones.families.flux",)}}[kind]
assert not {{"torch", "diffusers", "transformers"}} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
