"""The training command at its smallest: what it writes is a backbone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from training_processes import training_processes
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.training import loop
from zeroshot_vss.training.denoising import WEIGHTS, train_process
from zeroshot_vss.training.loop import learning_rate
from zeroshot_vss.training.run import train
from zeroshot_vss.training.settings import TrainingSettings
from zeroshot_vss.training.trainer import Trainer
from zeroshot_vss.training.unet import Denoiser

SMALL = TrainingSettings(
    clips=2, frames_per_clip=2, clip_length=3, autoencoder_channels=4, autoencoder_steps=3, autoencoder_batch=2,
    channels=(16, 16, 32, 32), heads=(1, 1, 2, 2), context_tokens=3, context_width=8, steps=4, batch=2,
    full_size_share=0.25, warm_up=2, processes=1,
)  # fmt: skip


def run(folder: Path, settings: TrainingSettings) -> Path:
    """Train."""
    with training_processes():
        train(folder / "out", folder / "work", settings)
    return folder / "out"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished training in one process."""
    folder = tmp_path_factory.mktemp("training")
    run(folder, SMALL)
    return folder


def test_the_folder_is_whole(trained: Path) -> None:
    out = trained / "out"
    assert TrainingSettings(**json.loads((out / "training.json").read_text())) == SMALL
    stored = load_file(out / "unet" / "diffusion_pytorch_model.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16}
    assert load_file(out / "context.safetensors")["context"].shape == (3, 8)
    with (out / "training-log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["part"] for row in rows] == ["autoencoder", "autoencoder", "unet"] and rows[-1]["step"] == "4"
    assert all(np.isfinite(float(row["loss"])) for row in rows)


def test_the_folder_is_a_backbone(trained: Path) -> None:
    backbone = load_backbone(BackboneSpec(name="small", path=str(trained / "out")), torch.device("cpu"))
    assert (backbone.multiple, backbone.grid(128, 192, 7)) == (32, (16, 24))
    frames = np.load(trained / "work" / "frames.npy")
    assert frames.shape == (4, 128, 192, 3) and frames.std() > 10
    latents = backbone.encode(frames[:1], None)
    sampling = Sampling(guidance=1)
    start = backbone.add_noise(latents, torch.randn(latents.shape, generator=torch.manual_seed(0)), sampling)
    plain = backbone.denoise(Start(start), sampling, [(7, 24)])
    image = backbone.decode(plain.states[24])
    assert image.shape == (1, 3, 128, 192) and image.isfinite().all()
    assert plain.queries[7, 24].shape == (1, 384, 16)


def test_finished_parts_are_kept(trained: Path) -> None:
    work = trained / "work"
    weights = {path: path.read_bytes() for path in (trained / "out").rglob("*.safetensors")}
    stamps = {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()}
    run(trained, SMALL)
    assert {path: path.stat().st_mtime_ns for path in work.rglob("*") if path.is_file()} == stamps
    assert len(weights) == 3 and all(path.read_bytes() == data for path, data in weights.items())


def test_the_same_seed_gives_the_same_weights(trained: Path, tmp_path: Path) -> None:
    again = run(tmp_path, SMALL)
    for path in sorted((trained / "out").rglob("*.safetensors")):
        assert path.read_bytes() == (again / path.relative_to(trained / "out")).read_bytes()


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    out = run(tmp_path, SMALL.model_copy(update={"processes": 2}))
    stored = load_file(out / "unet" / "diffusion_pytorch_model.safetensors")
    assert all(t.isfinite().all() for t in stored.values())
    assert json.loads((out / "training.json").read_text())["processes"] == 2


def test_an_interrupted_training_goes_on_as_if_it_had_not_been(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Broken off at the third step of four, the second in a checkpoint; nothing half trained counts as finished."""
    rows: list[dict[str, float | int | str]] = []

    def train_in(folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        train_process(0, Denoiser, SMALL, "unet", trained / "work" / "latents.npy", folder, rows.append)

    straight, broken = tmp_path / "straight", tmp_path / "broken"
    train_in(straight)
    update, steps, fail_at = Trainer.update, [], 2

    def counted(trainer: Trainer, loss: torch.Tensor) -> None:
        if trainer.step == fail_at:
            raise KeyboardInterrupt
        steps.append(trainer.step)
        update(trainer, loss)

    monkeypatch.setattr(Trainer, "update", counted)
    monkeypatch.setattr(loop, "SECONDS_BETWEEN_CHECKPOINTS", -1)
    with pytest.raises(KeyboardInterrupt):
        train_in(broken)
    assert [path.suffix for path in broken.iterdir()] == [".checkpoint"] and len(rows) == 1
    fail_at = None
    train_in(broken)
    assert steps == [0, 1, 2, 3] and [row["step"] for row in rows] == [4, 4]
    assert (broken / WEIGHTS).read_bytes() == (straight / WEIGHTS).read_bytes()
    assert not list(broken.glob("*.checkpoint"))


def test_learning_rate() -> None:
    settings = TrainingSettings(rate=1.0, warm_up=10, steps=110)
    rates = [learning_rate(step, settings) for step in range(110)]
    assert rates[0] == pytest.approx(0.1) and rates[9] == rates[10] == 1
    assert rates[60] == pytest.approx(0.51) and rates[109] == pytest.approx(0.02, abs=0.001)
    assert rates[10:] == sorted(rates[10:], reverse=True)
