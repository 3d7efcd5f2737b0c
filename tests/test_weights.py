"""Backbones on disk: what loads, what is refused and in which words, and what is noticed when files change."""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import pytest
import torch
from safetensors.torch import load_file, save_file

from small_models import CONTEXT_WIDTH, save_embedded, save_stable_diffusion
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.backbones.kind import digest, find_model
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import Sampling

UNET = "unet/diffusion_pytorch_model.safetensors"
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One model of each format."""
    folder = tmp_path_factory.mktemp("models")
    save_stable_diffusion(folder / "sd")
    save_embedded(folder / "embedded")
    return folder


@pytest.fixture
def sd(saved: Path, tmp_path: Path) -> Path:
    """A copy of the Stable Diffusion folder that may be damaged."""
    return Path(shutil.copytree(saved / "sd", tmp_path / "sd"))


@pytest.fixture
def embedded(saved: Path, tmp_path: Path) -> Path:
    """A copy of the embedded model's folder that may be damaged."""
    return Path(shutil.copytree(saved / "embedded", tmp_path / "embedded"))


def spec(folder: Path | str, **more: object) -> BackboneSpec:
    return BackboneSpec.model_validate({"name": "tiny", "path": str(folder), **more})


def load(folder: Path | str) -> ImageDiffusion:
    backbone = load_backbone(spec(folder), CPU)
    assert isinstance(backbone, ImageDiffusion)
    return backbone


def edit(path: Path, **values: object) -> None:
    """Change keys of a JSON file."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_stable_diffusion_has_the_empty_prompt_and_zeros_as_contexts(sd: Path) -> None:
    from transformers import CLIPTextModel

    backbone = load(sd)
    start, end, pad = 6, 7, 0
    tokens = torch.tensor([[start, end, *[pad] * 75]])
    with torch.inference_mode():
        expected = CLIPTextModel.from_pretrained(sd / "text_encoder")(tokens).last_hidden_state[0]
    torch.testing.assert_close(backbone.contexts[1], expected)
    assert backbone.contexts.shape == (2, 77, CONTEXT_WIDTH) and not backbone.contexts[0].any()
    assert (backbone.multiple, backbone.grid(128, 192, 7), backbone.latent_shape(128, 192)) == (
        64,
        (8, 12),
        (4, 16, 24),
    )
    assert backbone.vae.config.scaling_factor == 0.18215


def test_embedded_model_has_a_learned_context_and_no_guidance(embedded: Path) -> None:
    backbone = load(embedded)
    torch.testing.assert_close(backbone.contexts[0], load_file(embedded / "context.safetensors")["context"].float())
    assert len(backbone.contexts) == 1 and backbone.dtype == torch.float32
    assert (backbone.multiple, backbone.grid(128, 192, 7), backbone.latent_shape(128, 192)) == (
        32,
        (16, 24),
        (4, 32, 48),
    )
    with pytest.raises(InputError, match=r"guidance 5\.0 needs .* set guidance: 1"):
        backbone.check(Sampling(), [7])
    with pytest.raises(InputError, match=r"block 2 has no attention; choose among \[3, 4"):
        backbone.check(Sampling(guidance=1), [7, 2])


def test_half_precision_files_alone_load_in_single_precision_on_the_cpu(tmp_path: Path) -> None:
    backbone = load(save_stable_diffusion(tmp_path / "half", variant="fp16"))
    stored = load_file(tmp_path / "half" / "unet" / "diffusion_pytorch_model.fp16.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16}
    assert {p.dtype for p in (*backbone.unet.parameters(), *backbone.vae.parameters())} == {torch.float32}
    torch.testing.assert_close(backbone.unet.conv_in.weight, stored["conv_in.weight"].float(), rtol=0, atol=0)
    assert backbone.contexts.dtype == torch.float32


def test_full_precision_files_are_preferred(sd: Path) -> None:
    whole = load_file(sd / UNET)
    save_file({k: torch.zeros_like(t).half() for k, t in whole.items()}, sd / UNET.replace(".safe", ".fp16.safe"))
    torch.testing.assert_close(load(sd).unet.conv_in.weight.data, whole["conv_in.weight"], rtol=0, atol=0)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def garble(path: Path) -> None:
    path.write_bytes(b"not what it was" * 20)


@pytest.mark.parametrize("part", [UNET, "vae/diffusion_pytorch_model.safetensors", "text_encoder/model.safetensors"])
@pytest.mark.parametrize("damage", [truncate, garble])
def test_damaged_weights(sd: Path, part: str, damage: Callable[[Path], None]) -> None:
    damage(sd / part)
    with pytest.raises(
        InputError, match=rf"backbone 'tiny': .*{part.split('/', maxsplit=1)[0]}.* get (them|it) again"
    ):
        load(sd)


@pytest.mark.parametrize("damage", [truncate, garble])
def test_damaged_context(embedded: Path, damage: Callable[[Path], None]) -> None:
    damage(embedded / "context.safetensors")
    with pytest.raises(InputError, match=r"backbone 'tiny': .*context\.safetensors"):
        load(embedded)


def test_context_file_without_a_context(embedded: Path) -> None:
    save_file({"prompt": torch.zeros(4, CONTEXT_WIDTH)}, embedded / "context.safetensors")
    with pytest.raises(InputError, match=r"backbone 'tiny': .*context\.safetensors"):
        load(embedded)


def test_context_of_another_width(embedded: Path) -> None:
    save_file({"context": torch.zeros(4, CONTEXT_WIDTH + 1)}, embedded / "context.safetensors")
    with pytest.raises(InputError, match="backbone 'tiny': the context is 33 wide, the UNet expects 32"):
        load(embedded)


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        (UNET, "unet/*.safetensors"),
        ("vae/diffusion_pytorch_model.safetensors", "vae/*.safetensors"),
        ("unet/config.json", "unet/config.json"),
        ("scheduler/scheduler_config.json", "scheduler/scheduler_config.json"),
        ("text_encoder/config.json", "text_encoder/ with tokenizer/, or context.safetensors"),
    ],
)
def test_missing_files(sd: Path, missing: str, named: str) -> None:
    (sd / missing).unlink()
    with pytest.raises(InputError) as caught:
        find_model(spec(sd))
    assert "backbone 'tiny'" in str(caught.value) and named in str(caught.value)


def test_text_encoder_without_weights(sd: Path) -> None:
    (sd / "text_encoder" / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"backbone 'tiny': .*text_encoder"):
        load(sd)


def test_configs_of_another_class(sd: Path) -> None:
    edit(sd / "unet" / "config.json", _class_name="UNet3DConditionModel")
    with pytest.raises(InputError, match="of a UNet3DConditionModel, expected a UNet2DConditionModel"):
        load(sd)
    edit(sd / "unet" / "config.json", _class_name="UNet2DConditionModel")
    edit(sd / "vae" / "config.json", _class_name="VQModel")
    with pytest.raises(InputError, match="'VQModel'; known: AutoencoderKL, AutoencoderKLTemporal"):
        load(sd)


def test_configs_that_are_no_json(sd: Path) -> None:
    (sd / "vae" / "config.json").write_text("{")
    with pytest.raises(InputError, match=r"backbone 'tiny': .*vae/config\.json is no JSON"):
        load(sd)


@pytest.mark.parametrize(
    ("config", "values"),
    [
        ("unet", {"block_out_channels": [32, 32, 64, 96]}),
        ("unet", {"layers_per_block": 1}),
        ("unet", {"layers_per_block": 3}),
        ("unet", {"cross_attention_dim": 48}),
        ("vae", {"latent_channels": 8}),
        ("text_encoder", {"hidden_size": 64}),
        ("text_encoder", {"num_hidden_layers": 3}),
    ],
)
def test_weights_of_another_architecture(sd: Path, config: str, values: dict[str, object]) -> None:
    edit(sd / config / "config.json", **values)
    with pytest.raises(InputError, match=rf"backbone 'tiny': .*{config}"):
        load(sd)


def test_parts_of_different_models(saved: Path, sd: Path) -> None:
    """An inpainting model's UNet takes nine channels, the VAE gives four."""
    unet = load_file(sd / UNET)
    save_file({**unet, "conv_in.weight": torch.zeros(32, 9, 3, 3)}, sd / UNET)
    edit(sd / "unet" / "config.json", in_channels=9)
    with pytest.raises(InputError, match=r"backbone 'tiny': .*\b4\b.*\b9\b|backbone 'tiny': .*\b9\b.*\b4\b"):
        load(sd)


def change_a_number(path: Path) -> None:
    """The same tensors in a file of the same size, one number of them another."""
    tensors = load_file(path)
    last = sorted(tensors)[-1]
    tensors[last].flatten()[0] += 1
    size = path.stat().st_size
    save_file(tensors, path, metadata={"format": "pt"} if b"__metadata__" in path.read_bytes()[:200] else None)
    assert path.stat().st_size == size


@pytest.mark.parametrize("part", [UNET, "vae/diffusion_pytorch_model.safetensors", "context.safetensors"])
def test_exchanged_weights_are_noticed(embedded: Path, part: str) -> None:
    before = digest(spec(embedded))
    change_a_number(embedded / part)
    assert digest(spec(embedded)) != before


def test_digests_do_not_depend_on_place_time_or_further_files(embedded: Path, tmp_path: Path) -> None:
    before = digest(spec(embedded))
    moved = Path(shutil.copytree(embedded, tmp_path / "elsewhere", copy_function=shutil.copyfile))
    (moved / "training-log.csv").write_text("step\n1\n")
    assert digest(spec(moved)) == before
    edit(moved / "scheduler" / "scheduler_config.json", beta_end=0.013)
    assert digest(spec(moved)) != before


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[object]:
    """An empty cache and a network where nothing answers; returns the addresses that were tried."""
    tried: list[object] = []

    def refuse(_socket: object, address: object) -> None:
        tried.append(address)
        raise ConnectionRefusedError("no network in tests")

    def unknown(host: object, *_: object, **__: object) -> None:
        tried.append(host)
        raise socket.gaierror("no network in tests")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    return tried


def test_hub_names_are_looked_up_in_the_cache_alone(no_network: list[object]) -> None:
    with pytest.raises(InputError) as caught:
        load_backbone(spec("some-one/some-model", revision="a" * 40), CPU)
    assert no_network == []
    message = str(caught.value)
    assert f"hf download some-one/some-model --revision {'a' * 40}" in message
    assert "backbones: tiny: path:" in message and "download: true" in message


def test_download_in_offline_mode_says_what_to_get(no_network: list[object], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"backbone 'tiny': some-one/some-model is neither"):
        load_backbone(spec("some-one/some-model", revision="a" * 40, download=True), CPU)
    assert no_network == []


def test_local_folders_need_no_network(sd: Path, no_network: list[object]) -> None:
    load(sd)
    assert no_network == []


def test_download_needs_a_revision() -> None:
    with pytest.raises(ValueError, match="download needs a revision"):
        spec("some-one/some-model", download=True)


@pytest.mark.parametrize("path", ["models/nothing/here", "./nothing", "nothing", "/no/where"])
def test_missing_folder(path: str, no_network: list[object]) -> None:
    with pytest.raises(InputError, match=f"backbone 'tiny': there is no folder {path}"):
        load(path)
    assert no_network == []
