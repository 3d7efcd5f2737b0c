"""Files of weights: every byte counts, large files are read once, and what cannot be loaded is refused by name."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from small_models import save_stable_diffusion, save_stable_video_diffusion
from zeroshot_vss.backbones.kind import digest, find_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.io import digests

SAVE = {"image": save_stable_diffusion, "video": save_stable_video_diffusion}
UNET = "unet/diffusion_pytorch_model.safetensors"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of kept digests: one of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    for kind, save in SAVE.items():
        save(folder / kind)
    return folder


@pytest.fixture
def model(saved: Path, tmp_path: Path) -> Path:
    """A copy of the image model that may be damaged."""
    return Path(shutil.copytree(saved / "image", tmp_path / "model"))


def spec(folder: Path, kind: str = "image") -> BackboneSpec:
    return BackboneSpec(name="tiny", path=str(folder), kind=kind)


def edit(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


# Digests


@pytest.mark.parametrize("kind", SAVE)
def test_every_byte_that_a_load_can_read_counts(kind: str, saved: Path) -> None:
    folder = saved / kind
    before = digest(spec(folder, kind))
    read = [path for path in sorted(folder.glob("*/*")) if path.is_file()]
    assert {"unet", "vae", "scheduler"} < {path.parent.name for path in read}
    assert any(path.parent.name in ("tokenizer", "feature_extractor") for path in read)
    for path in read:
        content = path.read_bytes()
        for place in sorted({0, 9, len(content) // 2, len(content) - 1}):
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            try:
                assert digest(spec(folder, kind)) != before, (path, place)
            except InputError as error:  # a header or a config that is none any more
                assert path.name in str(error)
        path.write_bytes(content)
    assert digest(spec(folder, kind)) == before


def test_a_large_file_is_read_once(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SMALL", 10)
    monkeypatch.setattr(digests, "SETTLED", -1.0)
    path = tmp_path / "weights"
    path.write_bytes(b"a" * 100)
    expected = hashlib.sha256(b"a" * 100).hexdigest()
    assert digests.sha256(path) == expected
    (kept,) = (cache / "zeroshot_vss" / "digests").iterdir()
    other = "0" * 64
    kept.write_text(kept.read_text().replace(expected, other))
    assert digests.sha256(path) == other, "not read again"
    os.utime(path)
    assert digests.sha256(path) == expected, "touched, so read again"
    for damage in ("", "[]", "{}", kept.read_text().replace(expected, "x" * 64), kept.read_text()[:-9]):
        kept.write_text(damage)
        assert digests.sha256(path) == expected


def test_other_content_of_the_same_size_and_time_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SMALL", 10)
    monkeypatch.setattr(digests, "SETTLED", -1.0)
    path = tmp_path / "weights"
    path.write_bytes(b"a" * 100)
    before, times = digests.sha256(path), path.stat()
    path.write_bytes(b"b" * 100)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    assert digests.sha256(path) == hashlib.sha256(b"b" * 100).hexdigest() != before


def test_a_file_that_was_just_written_is_not_kept(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "SMALL", 10)
    path = tmp_path / "weights"
    path.write_bytes(b"a" * 100)
    digests.sha256(path)
    assert not cache.exists()


def test_without_a_home_that_can_be_written(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "SMALL", 10)
    monkeypatch.setattr(digests, "SETTLED", -1.0)
    path = tmp_path / "weights"
    path.write_bytes(b"a" * 100)
    cache.write_text("a file where the folder should be")
    assert digests.sha256(path) == hashlib.sha256(b"a" * 100).hexdigest()


def _digest_often(path: Path) -> set[str]:
    digests.SMALL, digests.SETTLED = 10, -1.0
    return {digests.sha256(path) for _ in range(50)}


def test_processes_that_share_the_kept_digests(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    path.write_bytes(b"a" * 1000)
    with get_context("fork").Pool(4) as pool:
        actual = pool.map(_digest_often, [path] * 4)
    assert actual == [{hashlib.sha256(b"a" * 1000).hexdigest()}] * 4


# Refusals


def pipe(path: Path) -> None:
    path.unlink(missing_ok=True)
    os.mkfifo(path)


def device(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.symlink_to("/dev/zero")


def folder(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.mkdir()


@pytest.mark.parametrize("instead", [pipe, device, folder])
@pytest.mark.parametrize(
    "name",
    [UNET, "unet/config.json", "tokenizer/vocab.json", "scheduler/scheduler_config.json", "context.safetensors"],
)
def test_what_is_no_regular_file(model: Path, name: str, instead: Callable[[Path], None]) -> None:
    instead(model / name)
    with pytest.raises(InputError, match=rf"backbone 'tiny': .*{name}.* no regular file"):
        find_model(spec(model))


def test_a_pointer_that_is_a_pipe(saved: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(saved / "video", tmp_path / "video"))
    pipe(copy / "image_model.json")
    with pytest.raises(InputError, match=r"image_model\.json is missing or no regular file"):
        find_model(spec(copy, "video"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "beta_schedule is None"),
        ({"beta_schedule": "linear"}, "num_train_timesteps is None"),
        ({"beta_schedule": "linear", "num_train_timesteps": 1000, "beta_start": 0, "beta_end": 1}, "beta_start is 0"),
        ({"timestep_type": "continuous"}, "sigma_min is None"),
    ],
)
def test_a_scheduler_that_does_not_say_its_noise(model: Path, values: dict[str, object], message: str) -> None:
    (model / "scheduler" / "scheduler_config.json").write_text(json.dumps(values))
    with pytest.raises(InputError, match=rf"backbone 'tiny': .*scheduler_config\.json: {message}"):
        find_model(spec(model))


def test_models_that_predict_the_sample(model: Path) -> None:
    edit(model / "scheduler" / "scheduler_config.json", prediction_type="sample")
    with pytest.raises(InputError, match=r"prediction_type is 'sample'; known: epsilon, v_prediction"):
        find_model(spec(model))


@pytest.mark.parametrize("factor", [0, -0.18, "0.18215", None, float("nan")])
def test_latents_that_cannot_be_scaled(model: Path, factor: object) -> None:
    edit(model / "vae" / "config.json", scaling_factor=factor)
    with pytest.raises(InputError, match=r"vae/config\.json: scaling_factor is .*; expected a number above 0"):
        find_model(spec(model))


def test_latents_that_are_shifted(model: Path) -> None:
    edit(model / "vae" / "config.json", shift_factor=0.0609)
    with pytest.raises(InputError, match=r"shift_factor is 0\.0609"):
        find_model(spec(model))


@pytest.mark.parametrize(("kind", "named"), [(torch.int8, "I8"), (torch.complex64, "C64"), (torch.int64, "I64")])
def test_weights_of_integers_and_complex_numbers(model: Path, kind: torch.dtype, named: str) -> None:
    tensors = load_file(model / UNET)
    save_file({**tensors, "conv_in.weight": tensors["conv_in.weight"].to(kind)}, model / UNET, {"format": "pt"})
    with pytest.raises(InputError, match=rf"{UNET}: tensor 'conv_in.weight' is stored as {named}; expected"):
        find_model(spec(model))


def test_counters_beside_the_weights_may_be_integers(model: Path) -> None:
    path = model / "text_encoder" / "model.safetensors"
    counter = {"text_model.embeddings.position_ids": torch.arange(77)[None]}  # as SD 2.1's has
    save_file({**load_file(path), **counter}, path, {"format": "pt"})
    find_model(spec(model))


def test_a_list_of_shards_that_leads_elsewhere(model: Path) -> None:
    index = model / "unet" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {"conv_in.weight": "../vae/x.safetensors"}}))
    with pytest.raises(InputError, match=r"index\.json names '\.\./vae/x\.safetensors'"):
        find_model(spec(model))
