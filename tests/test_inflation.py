"""The video model made of an image model, and the training of its temporal layers at its smallest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors.torch import load_file, save_file

from parity_set import relative
from small_models import CONTEXT_TOKENS, CONTEXT_WIDTH, save_embedded
from training_processes import training_processes
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.inflation import inflate, temporal_weights
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.video_diffusion import VideoDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.training.run import train_video
from zeroshot_vss.training.settings import VideoTrainingSettings

SMALL = VideoTrainingSettings(clips=2, frames=3, clip_length=4, steps=3, crop=(8, 8), warm_up=1, processes=1)
SAMPLING = Sampling(guidance=1, time_ids=(6, 127, 0.02), batches=Batches(size=3))


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_embedded(tmp_path_factory.mktemp("models") / "image")


@pytest.fixture(scope="module")
def trained(image: Path) -> Path:
    folder = image.parent
    with training_processes():
        train_video(image, folder / "video", folder / "work", SMALL)
    return folder / "video"


def test_an_inflated_model_predicts_as_the_image_model(image: Path) -> None:
    unet = UNet2DConditionModel.from_pretrained(image / "unet", torch_dtype=torch.float32).eval()
    video = inflate(unet).eval()
    generator = torch.Generator().manual_seed(0)
    noisy, condition = torch.randn(2, 2, 3, 4, 16, 24, generator=generator)
    context = torch.randn(2, CONTEXT_TOKENS, CONTEXT_WIDTH, generator=generator)
    ids = torch.tensor([[6.0, 127.0, 0.02], [30.0, 10.0, 0.5]])
    with torch.inference_mode():
        actual = video(torch.cat([noisy, condition], 2), torch.tensor(118), context, added_time_ids=ids).sample
        one_by_one = [
            unet(clip, torch.tensor(118), tokens.expand(3, -1, -1)).sample
            for clip, tokens in zip(noisy, context, strict=True)
        ]
    assert relative(actual, torch.stack(one_by_one)) < 1e-4


def test_training_changes_the_temporal_layers_alone(image: Path, trained: Path) -> None:
    unet = UNet2DConditionModel.from_pretrained(image / "unet", torch_dtype=torch.float32)
    start = temporal_weights(inflate(unet), unet)
    stored = load_file(trained / "unet" / "temporal.safetensors")
    assert set(stored) == set(start) and {t.dtype for t in stored.values()} == {torch.float16}
    moved = {name for name in stored if not torch.equal(stored[name].float(), start[name].half().float())}
    assert any("temporal_res_block.conv2" in name for name in moved)
    first = stored["conv_in.weight"]
    torch.testing.assert_close(first[:, :4].float(), unet.state_dict()["conv_in.weight"])
    assert first[:, 4:].abs().max() > 0
    assert VideoTrainingSettings(**json.loads((trained / "training.json").read_text())) == SMALL


def test_the_folder_is_a_video_backbone(image: Path, trained: Path) -> None:
    spec = BackboneSpec(name="small", kind="video", path=str(trained))
    backbone = load_backbone(spec, torch.device("cpu"))
    assert isinstance(backbone, VideoDiffusion)
    frames = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), np.uint8)
    condition = backbone.condition(frames[0], torch.zeros(3, 64, 96), SAMPLING)
    torch.testing.assert_close(condition.embedding, load_file(image / "context.safetensors")["context"].float())
    latents = backbone.encode(frames, None)
    torch.testing.assert_close(condition.latents, latents[0])
    start = backbone.add_noise(latents, torch.randn(latents.shape, generator=torch.manual_seed(0)), SAMPLING)
    plain = backbone.denoise(Start(start, condition), SAMPLING, [(8, 24)])
    assert plain.queries[8, 24].shape == (3, 96, 16)
    # Noise levels are those of the image model.
    still = load_backbone(BackboneSpec(name="image", path=str(image)), torch.device("cpu"))
    torch.testing.assert_close(backbone.schedule(25).sigmas, still.schedule(25).sigmas)
    assert torch.equal(backbone.schedule(25).timesteps, still.schedule(25).timesteps)


def test_work_of_other_settings_is_refused(image: Path, trained: Path) -> None:
    with pytest.raises(InputError, match="holds parts of a training with other settings"):
        train_video(image, trained, image.parent / "work", SMALL.model_copy(update={"steps": 9}))


@pytest.mark.parametrize("fault", ["missing", "shape", "pointer"])
def test_a_damaged_folder_is_named(image: Path, trained: Path, tmp_path: Path, fault: str) -> None:
    folder = tmp_path / "video"
    for name in ("unet", "scheduler"):
        (folder / name).mkdir(parents=True)
    for name in ("unet/config.json", "scheduler/scheduler_config.json"):
        (folder / name).write_bytes((trained / name).read_bytes())
    weights = load_file(trained / "unet" / "temporal.safetensors")
    gone = next(name for name in sorted(weights) if "temporal" in name)
    if fault == "missing":
        del weights[gone]
    if fault == "shape":
        weights[gone] = weights[gone][:1].contiguous()
    save_file(weights, folder / "unet" / "temporal.safetensors")
    path = {"path": str(tmp_path / "nowhere" if fault == "pointer" else image)}
    (folder / "image_model.json").write_text(json.dumps(path))
    with pytest.raises(InputError, match=r"nowhere lacks unet/config\.json" if fault == "pointer" else gone):
        load_backbone(BackboneSpec(name="small", kind="video", path=str(folder)), torch.device("cpu"))
