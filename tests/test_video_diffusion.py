"""The video backbone against diffusers' own pipeline, and against passes that add lambda M to both attentions."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion import StableVideoDiffusionPipeline
from PIL import Image
from torch import Tensor

from literal_pass import hooked
from parity_set import relative
from small_models import save_stable_video_diffusion
from zeroshot_vss.backbones.base import PlainPass, Start
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.video_diffusion import VideoDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

FRAMES, HEIGHT, WIDTH = 3, 64, 128
IDS = (14.0, 127.0, 0.02)


def sampling(**changes: Any) -> Sampling:
    given = {
        "steps": 4,
        "start": 0,
        "guidance": (1.0, 2.5),
        "time_ids": IDS,
        "batches": Batches(size=3),
    }
    return Sampling(**(given | changes))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_video_diffusion(tmp_path_factory.mktemp("svd"))


@pytest.fixture(scope="module")
def backbone(folder: Path) -> VideoDiffusion:
    actual = load_backbone(BackboneSpec(name="svd", kind="video", path=str(folder)), torch.device("cpu"))
    assert isinstance(actual, VideoDiffusion)
    return actual


def picture(seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def started(backbone: VideoDiffusion, chosen: Sampling, seed: int = 3) -> Start:
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(FRAMES, *backbone.latent_shape(HEIGHT, WIDTH), generator=generator)
    noise = torch.randn(3, HEIGHT, WIDTH, generator=generator)
    scale = backbone.schedule(chosen.steps).sigmas[chosen.start].item()
    return Start(scale * latents, backbone.condition(picture(), noise, chosen))


def test_the_plain_pass_is_the_pipelines(
    folder: Path, backbone: VideoDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = StableVideoDiffusionPipeline.from_pretrained(folder)
    generator = torch.Generator().manual_seed(3)
    latents = torch.randn(FRAMES, 4, HEIGHT // 8, WIDTH // 8, generator=generator)
    blur = torch.randn(3, HEIGHT, WIDTH, generator=generator)
    drawn = "diffusers.pipelines.stable_video_diffusion.pipeline_stable_video_diffusion.randn_tensor"
    monkeypatch.setattr(drawn, lambda *_, **__: blur[None])
    generated: Any = pipeline(
        Image.fromarray(picture()), height=HEIGHT, width=WIDTH, num_frames=FRAMES, num_inference_steps=4,
        min_guidance_scale=1.0, max_guidance_scale=2.5, fps=int(IDS[0]) + 1, motion_bucket_id=int(IDS[1]),
        noise_aug_strength=IDS[2], latents=latents[None], output_type="latent",
    )  # fmt: skip
    chosen = sampling()
    start = Start(latents * pipeline.scheduler.init_noise_sigma, backbone.condition(picture(), blur, chosen))
    actual = backbone.denoise(start, chosen).states[3]
    assert relative(actual, generated.frames[0]) < 1e-4


def test_the_schedule_is_edms(backbone: VideoDiffusion) -> None:
    schedule = backbone.schedule(25)
    # Karras et al. 2022, equation 5, with rho 7.
    ramp = np.arange(25) / 24
    expected = (700 ** (1 / 7) + ramp * (0.002 ** (1 / 7) - 700 ** (1 / 7))) ** 7
    np.testing.assert_allclose(schedule.sigmas[:-1].numpy(), expected, rtol=1e-4)
    assert schedule.sigmas[-1] == 0
    np.testing.assert_allclose(schedule.timesteps.numpy(), np.log(expected) / 4, rtol=1e-3, atol=1e-4)


def literal_modulated(
    backbone: VideoDiffusion, plain: PlainPass, masks: Tensor, strength: float, modulation: Modulation
) -> Tensor:
    """One pass as written: lambda M added to the outputs of both self-attentions, the whole UNet at every step."""
    decoder: Any = backbone.unet.up_blocks
    transformer = decoder[modulation.block // 3].attentions[modulation.block % 3]
    parts, frames = plain.parts, plain.frames
    spatial = (strength * masks.flatten(1)).repeat(parts, 1)[:, :, None]
    # The temporal layer sees [parts * h * w, frames, channels].
    temporal = spatial.unflatten(0, (parts, frames)).permute(0, 2, 1, 3).flatten(0, 1)
    scale = plain.states[modulation.step].shape[-1] // masks.shape[-1]
    blend = masks.repeat_interleave(scale, 1).repeat_interleave(scale, 2)[:, None]
    kept: dict[tuple[int, str], Tensor] = {}
    wanted = {
        name: module
        for name, module in decoder.named_modules()
        if "temporal_transformer_blocks" in name and ".attn1.to_" in name and name.endswith(("to_q", "to_k"))
    }
    x = plain.states[plain.sampling.start - 1]
    for step in range(plain.sampling.start, plain.sampling.steps):
        with ExitStack() as stack:
            for name, module in wanted.items():
                stack.enter_context(hooked(module, partial(kept.__setitem__, (step, name))))
            x = _step(backbone, plain, x, step)
    x = plain.states[modulation.step - 1]
    for step in range(modulation.step, plain.sampling.steps):
        with ExitStack() as stack:
            if modulation.injection:
                for name, module in wanted.items():
                    given = kept[step, name]
                    stack.enter_context(hooked(module, lambda _output, given=given: given))
            if step == modulation.step:
                first, second = transformer.transformer_blocks[0], transformer.temporal_transformer_blocks[0]
                stack.enter_context(hooked(first.attn1, lambda output: output + spatial))
                stack.enter_context(hooked(second.attn1, lambda output: output + temporal))
            x = _step(backbone, plain, x, step)
        if modulation.blend_through is not None and step <= modulation.blend_through:
            x = blend * x + (1 - blend) * plain.states[step]
    return x


def _step(backbone: VideoDiffusion, plain: PlainPass, x: Tensor, step: int) -> Tensor:
    schedule = backbone.schedule(plain.sampling.steps)
    with torch.inference_mode():
        return x + (schedule.sigmas[step + 1] - schedule.sigmas[step]) * backbone.predict(x, plain, step, {})


@pytest.mark.parametrize(
    "modulation",
    [
        Modulation(block=8, step=2, strength=20, blend_through=3),
        Modulation(block=8, step=1, strength=20, blend_through=None),
        Modulation(block=7, step=1, strength=20, blend_through=1, injection=False),
        Modulation(block=11, step=2, strength=20, blend_through=2),
    ],
    ids=str,
)
@pytest.mark.parametrize("guidance", [1.0, (1.0, 2.5)], ids=["conditional", "guided"])
def test_the_fast_path_is_the_literal_one(
    backbone: VideoDiffusion, modulation: Modulation, guidance: float | tuple[float, float]
) -> None:
    chosen = sampling(start=1, guidance=guidance)
    start = started(backbone, chosen)
    plain = backbone.denoise(start, chosen, [], modulation)
    rows, columns = backbone.grid(HEIGHT, WIDTH, modulation.block)
    masks = torch.rand(2, FRAMES, rows, columns, generator=torch.Generator().manual_seed(1)) < 0.4
    frames = torch.arange(FRAMES).repeat(3)
    strengths = torch.tensor([20.0, -20.0, -20.0]).repeat_interleave(FRAMES)
    given = torch.cat([masks[0], masks[0], masks[1]])
    actual = backbone.denoise_modulated(plain, frames, given, strengths, modulation).split(FRAMES)
    for result, mask, strength in zip(actual, masks[[0, 0, 1]], (20, -20, -20), strict=True):
        expected = literal_modulated(backbone, plain, mask.float(), strength, modulation)
        assert relative(result, expected) < 1e-4
        assert relative(expected, plain.states[3]) > 1e-2


def test_frames_of_a_batch_know_of_each_other(backbone: VideoDiffusion) -> None:
    chosen = sampling(start=2)
    start = started(backbone, chosen)
    other = Start(start.latents.clone(), start.condition)
    other.latents[2] += 1
    one, two = (backbone.denoise(s, chosen).states[3] for s in (start, other))
    assert not torch.allclose(one[0], two[0])


def test_encoding_and_decoding_are_frame_by_frame(backbone: VideoDiffusion) -> None:
    frames = np.stack([picture(1), picture(2), picture(3)])
    together = backbone.encode(frames, None)
    assert together.shape == (3, 4, HEIGHT // 8, WIDTH // 8)
    assert relative(backbone.encode(frames[1:2], None)[0], together[1]) < 1e-4
    images = backbone.decode(together)
    assert images.shape == (3, 3, HEIGHT, WIDTH)
    assert relative(backbone.decode(together[2:])[0], images[2]) < 1e-4


def test_settings_of_image_models_are_refused(backbone: VideoDiffusion) -> None:
    with pytest.raises(InputError, match=r"backbone 'svd': it is a video model; set sampling\.time_ids"):
        backbone.check(Sampling(), [7])


@pytest.mark.parametrize("part", ["image_encoder/config.json", "feature_extractor", "unet/config.json"])
def test_a_missing_part_is_named(tmp_path: Path, folder: Path, part: str) -> None:
    import shutil

    copy = tmp_path / "svd"
    shutil.copytree(folder, copy)
    gone = copy / part
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    with pytest.raises(InputError, match=part.split("/", maxsplit=1)[0]):
        load_backbone(BackboneSpec(name="svd", kind="video", path=str(copy)), torch.device("cpu"))
