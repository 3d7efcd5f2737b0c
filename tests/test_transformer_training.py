"""The training of a diffusion transformer at its smallest: what it writes is a backbone."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from adaptable import save_adaptable
from training_processes import training_processes
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.training.run import train_transformer
from zeroshot_vss.training.settings import TransformerTrainingSettings
from zeroshot_vss.training.transformer import TransformerDenoiser

SMALL = TransformerTrainingSettings(
    clips=2, frames_per_clip=2, clip_length=3, layers=2, heads=2, head_width=16, context_tokens=3, context_width=8,
    steps=40, batch=4, warm_up=2, processes=1, rate=3e-3, ema=0.9,
)  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a finished training."""
    folder = tmp_path_factory.mktemp("training")
    save_adaptable(folder / "image")
    with training_processes():
        train_transformer(folder / "image", folder / "out", folder / "work", SMALL)
    return folder


def test_the_folder_is_whole_and_the_loss_falls(trained: Path) -> None:
    out = trained / "out"
    assert TransformerTrainingSettings(**json.loads((out / "training.json").read_text())) == SMALL
    stored = load_file(out / "transformer" / "diffusion_pytorch_model.safetensors")
    assert {t.dtype for t in stored.values()} == {torch.float16}
    prompt = load_file(out / "prompt.safetensors")
    assert prompt["prompt_embeds"].shape == (3, 8) and prompt["prompt_attention_mask"].tolist() == [1, 1, 1]
    for path in (trained / "image" / "vae").iterdir():
        assert (out / "vae" / path.name).read_bytes() == path.read_bytes()
    with (out / "training-log.csv").open() as file:
        (row,) = csv.DictReader(file)
    # Noise has a variance of 1: what a network without any knowledge is wrong by, as this one is when it begins.
    assert (row["part"], row["step"]) == ("transformer", "40") and 0 < float(row["loss"]) < 0.98


def test_bfloat16_predicts_what_float32_does() -> None:
    """To some hundredths of the prediction, and so do its gradients; the weights stay float32."""
    predictions, gradients = [], []
    for precision in ("float32", "bfloat16"):
        torch.manual_seed(0)
        model = TransformerDenoiser(SMALL.model_copy(update={"precision": precision}))
        torch.nn.init.normal_(model.transformer.proj_out.weight, std=0.1)
        noisy = torch.randn(3, 4, 16, 24, generator=torch.manual_seed(1))
        predicted = model(noisy, torch.tensor([5, 300, 900]))
        predicted.square().mean().backward()
        weight = model.transformer.pos_embed.proj.weight
        assert predicted.dtype == torch.float32 and weight.dtype == torch.float32 and weight.grad is not None
        predictions.append(predicted.detach())
        gradients.append(weight.grad)
    for exact, half in (predictions, gradients):
        assert 0 < (half - exact).norm() < 0.03 * exact.norm()


def test_the_folder_is_a_backbone(trained: Path) -> None:
    spec = BackboneSpec(name="small", kind="transformer", path=str(trained / "out"))
    backbone = load_model(find_model(spec), torch.device("cpu"))
    # Tokens of two latent cells of four pixels.
    assert backbone.grid(128, 192, 1) == (16, 24)
    frames = np.load(trained / "work" / "frames.npy")
    latents = backbone.encode(frames[:2], None)
    sampling = Sampling(guidance=1, steps=17, start=15)
    start = backbone.add_noise(latents, torch.randn(latents.shape, generator=torch.manual_seed(0)), sampling)
    plain = backbone.denoise(Start(start), sampling, [(1, 15)])
    assert plain.queries[1, 15].shape == (2, 384, 32) and plain.queries[1, 15].std() > 0


def test_its_noise_path_is_that_of_the_image_model(trained: Path) -> None:
    """Step 15 of 17 has the noise of the image model's, so that rows of both compare."""
    from zeroshot_vss.backbones.noise_path import make_path
    from zeroshot_vss.backbones.sampling import make_schedule

    config = json.loads((trained / "out" / "scheduler" / "scheduler_config.json").read_text())
    path, schedule = make_path(config, 17), make_schedule(config, 17)
    assert path.noise[15] / path.signal[15] == pytest.approx(float(schedule.sigmas[15]), rel=0.05)
