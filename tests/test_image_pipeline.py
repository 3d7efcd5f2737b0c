"""The plain pass of image models against diffusers' own image-to-image pipeline, on a small random model.

The pipeline encodes, noises, guides and steps by itself; hooks look into its UNet while it runs. Where the method
differs from it by choice, it is told so: Euler steps at evenly spaced times, zeros as the unconditional context.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img import StableDiffusionImg2ImgPipeline
from diffusers.schedulers.scheduling_euler_discrete import EulerDiscreteScheduler
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from array_clip import ArrayClip
from parity_set import relative
from small_models import SD_SCHEDULE, save_embedded, save_stable_diffusion
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.latents import network_size, start_of
from zeroshot_vss.settings.sampling import Sampling

HEIGHT, WIDTH, STEPS, START, SEED = 64, 128, 25, 22, 5
ROWS = [Row(2, 7), Row(0, 3)]
"""Frame and noise of what is denoised: neither is its place."""
TOLERANCE = 1e-4


class Noisy(ArrayClip):
    """Three frames of noise."""

    def __init__(self, size: tuple[int, int] = (HEIGHT, WIDTH)) -> None:
        super().__init__("noisy", [np.zeros(size, np.uint8)] * 3)
        self.pictures = np.random.default_rng(0).integers(0, 256, (3, *size, 3), np.uint8)

    def frames(self, indices: Any) -> Frames:
        return self.pictures[list(indices)]


def drawn(purpose: str, index: int, seed: int = SEED) -> Tensor:
    """The numbers of a purpose and an index, from the description of where random numbers come from."""
    rng = np.random.default_rng([seed, zlib.crc32(purpose.encode()), index])
    return torch.from_numpy(rng.standard_normal((4, HEIGHT // 8, WIDTH // 8), dtype=np.float32))


@contextmanager
def hooked(modules: dict[str, nn.Module], note: Callable[[str, Tensor], None]) -> Iterator[None]:
    """`note` is told the name and the output of each module whenever it ran."""
    noting: Any = lambda name: lambda _module, _inputs, output: note(name, output)  # noqa: E731
    handles = [m.register_forward_hook(noting(name)) for name, m in modules.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@dataclass
class Trace:
    """What the pipeline did, one item a step."""

    states: list[Tensor] = field(default_factory=list)
    """[n, c, h, w] after each."""
    timesteps: list[float] = field(default_factory=list)
    seen: dict[str, list[Tensor]] = field(default_factory=dict)
    """Outputs of the projections, [2 n, tokens, channels], unconditional half first."""


def img2img(folder: Path, monkeypatch: pytest.MonkeyPatch, prediction_type: str, guidance: float = 5.0) -> Trace:
    """The pipeline's run over the clip's frames with the rows' noise."""
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None)
    schedule: dict[str, Any] = {**SD_SCHEDULE, "prediction_type": prediction_type}
    pipeline.scheduler = EulerDiscreteScheduler(**schedule, timestep_spacing="trailing")
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.stack([drawn("noise", row.noise) for row in ROWS])
    posterior = torch.stack([drawn("posterior", row.noise) for row in ROWS])
    name = "diffusers.pipelines.stable_diffusion.pipeline_stable_diffusion_img2img.randn_tensor"
    monkeypatch.setattr(name, lambda *_, **__: noise)
    monkeypatch.setattr("diffusers.models.autoencoders.vae.randn_tensor", lambda *_, **__: posterior)
    decoder: Any = pipeline.unet.up_blocks
    modules = {
        f"{kind}{block}": getattr(decoder[block // 3].attentions[block % 3].transformer_blocks[0].attn1, f"to_{kind}")
        for block in (4, 7, 8)
        for kind in ("q", "k")
    }
    trace = Trace()

    def after(_pipeline: Any, _step: int, timestep: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        trace.states.append(tensors["latents"].clone())
        trace.timesteps.append(float(timestep))
        return tensors

    clip = Noisy()
    pictures = [Image.fromarray(clip.pictures[row.frame]) for row in ROWS]
    with hooked(modules, lambda name, output: trace.seen.setdefault(name, []).append(output)):
        pipeline(
            prompt=[""] * len(ROWS), image=pictures, strength=(STEPS - START) / STEPS, num_inference_steps=STEPS,
            guidance_scale=guidance, negative_prompt_embeds=torch.zeros(len(ROWS), 77, 32), output_type="latent",
            callback_on_step_end=after,  # pyright: ignore
        )  # fmt: skip
    return trace


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_stable_diffusion(tmp_path_factory.mktemp("models") / "sd")


def load(folder: Path) -> ImageDiffusion:
    backbone = load_backbone(BackboneSpec(name="sd", path=str(folder)), torch.device("cpu"))
    assert isinstance(backbone, ImageDiffusion)
    return backbone


@pytest.fixture(scope="module")
def backbone(folder: Path) -> ImageDiffusion:
    return load(folder)


@pytest.mark.parametrize("prediction_type", ["epsilon", "v_prediction"])
def test_the_plain_pass_is_the_pipelines(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prediction_type: str
) -> None:
    trace = img2img(folder, monkeypatch, prediction_type)
    model = shutil.copytree(folder, tmp_path / "model")
    schedule = model / "scheduler" / "scheduler_config.json"
    schedule.write_text(json.dumps({**json.loads(schedule.read_text()), "prediction_type": prediction_type}))
    backbone = load(model)
    sampling = Sampling(steps=STEPS, start=START, guidance=5.0, seed=SEED)
    wanted = [(block, step) for block in (4, 7, 8) for step in range(START, STEPS)]
    plain = backbone.denoise(start_of(backbone, Noisy(), ROWS, sampling), sampling, wanted)

    assert trace.timesteps == backbone.schedule(STEPS).timesteps[START:].tolist() == [119, 79, 39]
    for step, expected in enumerate(trace.states, start=START):
        assert relative(plain.states[step], expected) < TOLERANCE, step
    for block, step in wanted:
        actual, queries = plain.queries[block, step], trace.seen[f"q{block}"][step - START]
        unconditional, conditional = queries.chunk(2)
        assert relative(actual, conditional) < TOLERANCE, (block, step)
        # The comparison means something: the other half, the keys and the other frame are something else.
        keys = trace.seen[f"k{block}"][step - START].chunk(2)[1]
        for other in (unconditional, keys, conditional.flip(0)):
            assert relative(other, conditional) > 100 * TOLERANCE, (block, step)
    # Neighbouring steps differ by far more than the tolerance, too.
    assert relative(trace.seen["q7"][1], trace.seen["q7"][2]) > 10 * TOLERANCE


def test_without_guidance_there_is_the_conditional_half_alone(
    folder: Path, backbone: ImageDiffusion, monkeypatch: pytest.MonkeyPatch
) -> None:
    trace = img2img(folder, monkeypatch, "epsilon", guidance=1.0)
    sampling = Sampling(steps=STEPS, start=START, guidance=1.0, seed=SEED)
    plain = backbone.denoise(start_of(backbone, Noisy(), ROWS, sampling), sampling, [(7, START)])
    assert relative(plain.states[STEPS - 1], trace.states[-1]) < TOLERANCE
    assert relative(plain.queries[7, START], trace.seen["q7"][0]) < TOLERANCE


def encoded(folder: Path, frames: NDArray[np.uint8]) -> Any:
    """The posterior of frames [n, H, W, 3], by the autoencoder as its maker loads it."""
    vae = StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None).vae
    pixels = torch.from_numpy(frames.transpose(0, 3, 1, 2).astype(np.float64) / 255 * 2 - 1).float()
    with torch.inference_mode():
        return vae.encode(pixels).latent_dist, vae.config.scaling_factor


@pytest.mark.parametrize("posterior", ["sample", "mean"])
@pytest.mark.parametrize("start", [22, 20])
def test_the_start_by_hand(folder: Path, backbone: ImageDiffusion, posterior: Any, start: int) -> None:
    """scale (mean + deviation n) + sigma eps, with numbers of their own for n and eps."""
    distribution, scale = encoded(folder, Noisy().pictures[[row.frame for row in ROWS]])
    expected = distribution.mean
    if posterior == "sample":
        deviation = torch.exp(distribution.logvar / 2)
        expected = expected + deviation * torch.stack([drawn("posterior", row.noise) for row in ROWS])
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    signal = np.cumprod(1 - betas)[999 - 40 * start]
    sigma = float(np.sqrt((1 - signal) / signal))
    expected = scale * expected + sigma * torch.stack([drawn("noise", row.noise) for row in ROWS])
    actual = start_of(backbone, Noisy(), ROWS, Sampling(start=start, seed=SEED, posterior=posterior))
    assert actual.condition is None
    assert relative(actual.latents, expected) < 1e-5


def test_pixels_are_those_of_the_pipeline(backbone: ImageDiffusion) -> None:
    """Black and white are -1 and 1."""
    frames = np.stack([np.full((HEIGHT, WIDTH, 3), value, np.uint8) for value in (0, 100, 255)])
    seen: list[Tensor] = []
    handle = backbone.vae.encoder.register_forward_pre_hook(lambda _m, inputs: seen.append(inputs[0]))
    backbone.encode(frames, None)
    handle.remove()
    (pixels,) = seen
    assert pixels.shape == (3, 3, HEIGHT, WIDTH)
    for value, actual in zip((-1, 200 / 255 - 1, 1), pixels, strict=True):
        assert torch.allclose(actual, torch.full_like(actual, value), atol=1e-6)


@pytest.mark.parametrize("steps", [17, 25])
def test_times_end_at_the_last_and_are_evenly_spaced(backbone: ImageDiffusion, steps: int) -> None:
    schedule = backbone.schedule(steps)
    expected = np.round(1000 - 1000 / steps * np.arange(steps)) - 1
    assert schedule.timesteps.tolist() == expected.tolist()
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    signal = np.cumprod(1 - betas)[expected.astype(int)]
    np.testing.assert_allclose(schedule.sigmas[:-1].numpy(), np.sqrt((1 - signal) / signal), rtol=1e-4)
    assert schedule.sigmas[-1] == 0 and len(schedule.sigmas) == steps + 1


def test_decoding_undoes_the_scale(folder: Path, backbone: ImageDiffusion) -> None:
    pipeline = StableDiffusionImg2ImgPipeline.from_pretrained(folder, safety_checker=None)
    latents = torch.randn(2, 4, 8, 16, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = pipeline.vae.decode(latents / 0.18215).sample
    assert relative(backbone.decode(latents), expected) < TOLERANCE


# The size that the network sees


@pytest.mark.parametrize(
    ("size", "height", "expected"),
    [
        ((480, 854), None, (448, 832)),
        ((1024, 2048), 256, (256, 512)),
        # 376 * 256 / 301 = 319.8 is rounded to 320, which is a whole number of multiples.
        ((301, 376), 256, (256, 320)),
        # 319.3 is rounded down.
        ((300, 374), 256, (256, 256)),
        # Frames that are no higher than what is asked for stay.
        ((256, 400), 256, (256, 384)),
        ((200, 400), 256, (192, 384)),
    ],
)
def test_sides_are_cut_to_what_the_levels_halve(
    backbone: ImageDiffusion, size: tuple[int, int], height: int | None, expected: tuple[int, int]
) -> None:
    clip = ArrayClip("a", [np.zeros(size, np.uint8)])
    assert network_size(clip, backbone, Sampling(height=height)) == expected


def test_frames_that_are_too_small_are_refused(backbone: ImageDiffusion) -> None:
    clip = ArrayClip("a", [np.zeros((301, 130), np.uint8)])
    # 130 * 128 / 301 = 55.3: nothing of a multiple is left.
    with pytest.raises(InputError, match="frames of 130 x 301 pixels are too small for 'sd', which needs 64"):
        network_size(clip, backbone, Sampling(height=128))


def test_other_sizes_are_resized_as_pillow_does(folder: Path, backbone: ImageDiffusion) -> None:
    clip = Noisy((75, 140))
    sampling = Sampling(start=START, seed=SEED, posterior="mean")
    actual = start_of(backbone, clip, ROWS, sampling).latents
    pictures = [Image.fromarray(clip.pictures[row.frame]) for row in ROWS]
    resized = [picture.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC) for picture in pictures]
    distribution, scale = encoded(folder, np.stack([np.asarray(picture) for picture in resized]))
    noise = torch.stack([drawn("noise", row.noise) for row in ROWS])
    sigma = backbone.schedule(STEPS).sigmas[START]
    assert relative(actual - sigma * noise, scale * distribution.mean) < 1e-4


def test_grids_follow_the_levels(backbone: ImageDiffusion, tmp_path: Path) -> None:
    sd = backbone
    assert [sd.grid(448, 832, block) for block in (3, 7, 8, 11)] == [(14, 26), (28, 52), (28, 52), (56, 104)]
    assert sd.latent_shape(448, 832) == (4, 56, 104) and sd.multiple == 64
    small = load(save_embedded(tmp_path / "small"))
    assert small.grid(64, 96, 7) == (8, 12) and small.latent_shape(64, 96) == (4, 16, 24) and small.multiple == 32
