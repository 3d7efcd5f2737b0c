"""What is fetched of a hub repository: all that the parts can read, not the model again as a single file."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import huggingface_hub
import pytest
import torch
from huggingface_hub.utils import filter_repo_objects
from safetensors.torch import save_file

from small_models import save_sdxl, save_stable_diffusion, save_stable_video_diffusion
from small_transformers import save_spiece, save_transformer, save_vision
from zeroshot_vss.backbones.kind import ModelFiles, digest, find_model
from zeroshot_vss.backbones.spec import BackboneSpec

ENCODER = "text_encoders/t5xxl_fp16.safetensors"
AGAIN = ("flux1-dev.safetensors", ENCODER, "transformer.onnx", "README.md")
"""Beside the parts of a repository."""


def with_encoders(folder: Path) -> Path:
    """The folder of a pipeline with text encoders in place of a stored prompt, one tokenizer as a spiece.model."""
    from transformers import T5Config, T5EncoderModel

    (folder / "prompt.safetensors").unlink()
    encoder = T5EncoderModel(T5Config(vocab_size=48, d_model=32, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
    for name in ("text_encoder", "text_encoder_2"):
        encoder.save_pretrained(folder / name)
    for name in ("tokenizer", "tokenizer_2"):
        save_spiece(folder / name)
    (folder / "tokenizer_2" / "chat_template.jinja").write_text("{{ messages }}")
    return folder


def with_again(folder: Path) -> Path:
    """The folder with files that no part reads."""
    (folder / "text_encoders").mkdir()
    for name in AGAIN:
        if name.endswith(".safetensors"):
            save_file({"weight": torch.zeros(2)}, folder / name)
        else:
            (folder / name).write_text("")
    return folder


def fetched(repository: Path, kind: str, into: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ModelFiles, set[str]]:
    """The model as it is found in a hub that holds a repository, and the files that were fetched."""
    taken: set[str] = set()

    def snapshot(_name: str, *, allow_patterns: Sequence[str], local_files_only: bool, revision: str) -> str:
        assert not local_files_only and revision == "a" * 40
        names = [str(path.relative_to(repository)) for path in repository.rglob("*") if path.is_file()]
        taken.update(filter_repo_objects(names, allow_patterns=list(allow_patterns)))
        for name in taken:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repository / name, into / name)
        return str(into)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
    spec = BackboneSpec(name="own", kind=kind, path="some-one/some-model", revision="a" * 40, download=True)
    return find_model(spec), taken


@pytest.mark.parametrize(
    ("kind", "save"),
    [
        ("transformer", lambda folder: with_encoders(save_transformer(folder, "flux"))),
        ("transformer", lambda folder: save_transformer(folder, "sd3")),
        ("image", save_stable_diffusion),
        ("sdxl", save_sdxl),
        ("video", save_stable_video_diffusion),
    ],
)
def test_all_that_a_part_can_read_is_fetched_and_no_single_file(
    kind: str, save: Callable[[Path], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = with_again(save(tmp_path / "repository"))
    model, taken = fetched(repository, kind, tmp_path / "cache", monkeypatch)
    assert model.digest == digest(BackboneSpec(name="own", kind=kind, path=str(repository)))
    read = {str(path.relative_to(model.folder)) for part in model.parts.values() for path in part.files}
    assert read <= taken
    # Any folder of a video model may be that of the image model which it extends.
    more = {ENCODER} if kind == "video" else set[str]()
    assert {name for name in taken if name.endswith(".safetensors")} <= read | more
    assert {*AGAIN} & taken == more
    if (repository / "tokenizer_2" / "spiece.model").exists():
        assert {"tokenizer_2/spiece.model", "tokenizer_2/chat_template.jinja"} <= read


def test_the_single_file_of_a_vision_transformer_is_its_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = save_vision(tmp_path / "repository", "siglip")
    save_spiece(tmp_path / "spiece")
    shutil.copytree(tmp_path / "spiece", repository, dirs_exist_ok=True)
    model, taken = fetched(repository, "vit", tmp_path / "cache", monkeypatch)
    assert {"model.safetensors", "config.json", "preprocessor_config.json", "spiece.model"} <= taken
    assert model.digest == digest(BackboneSpec(name="own", kind="vit", path=str(repository)))
