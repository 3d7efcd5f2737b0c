"""Video diffusion transformers as backbones: tokens are those of the library's own networks, nothing is patched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from backbone_checks import CPU, Pictures, fingerprint, matches, moved, queries_of, rows
from small_videos import MAKE, save_video_transformer
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.families.base import Call
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.latent_frames import LatentFrames
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.token_video import VideoTokenDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import open_clip
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.features import Features
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation
from zeroshot_vss.stages.features import cache_queries

SIZE, FRAMES = (64, 96), 6
PICTURES = np.random.default_rng(0).integers(0, 256, (FRAMES, *SIZE, 3), dtype=np.uint8)
SAMPLING = Sampling(
    steps=50, start=49, guidance=1, noise="frame", posterior="mean", together=True, batches=Batches(size=FRAMES)
)
GROUP = {family: 8 if family == "ltx" else 4 for family in MAKE}
GRID = {family: (2, 3) if family in ("ltx", "wan-5b") else (4, 6) for family in MAKE}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("videos")
    return {family: save_video_transformer(base / family, family) for family in MAKE}


def load(folder: Path, **options: Any) -> VideoTokenDiffusion:
    spec = BackboneSpec(name="own", kind="video-transformer", path=str(folder), options=options)
    backbone = load_model(find_model(spec), CPU)
    assert isinstance(backbone, VideoTokenDiffusion)
    return backbone


def scheduler_of(folder: Path) -> Any:
    import diffusers

    index = json.loads((folder / "model_index.json").read_text())
    return getattr(diffusers, index["scheduler"][1]).from_pretrained(folder / "scheduler")


def pipeline_of(folder: Path, backbone: VideoTokenDiffusion) -> Any:
    import diffusers

    index = json.loads((folder / "model_index.json").read_text())
    absent = {name: None for name, value in index.items() if value == [None, None]}
    options = {name: value for name, value in index.items() if isinstance(value, bool)}
    pipeline = getattr(diffusers, index["_class_name"])(
        transformer=backbone.network, vae=backbone.vae, scheduler=scheduler_of(folder), **absent, **options
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def clip_latents(backbone: VideoTokenDiffusion, family: str) -> Tensor:
    """Latents [c, latent frames, h, w] of the pictures, written out: the last frame stands for those that lack."""
    whole = list(PICTURES)
    while (len(whole) - 1) % GROUP[family]:
        whole.append(PICTURES[-1])
    video = torch.from_numpy(np.stack(whole)).permute(3, 0, 1, 2)[None].float() / 127.5 - 1
    vae = backbone.vae
    with torch.no_grad():
        found = vae.encode(video).latent_dist.mean[0]
    if family.startswith("wan"):
        for channel, (mean, std) in enumerate(zip(vae.config.latents_mean, vae.config.latents_std, strict=True)):
            found[channel] = (found[channel] - mean) / std
        return found
    if family == "ltx":
        from diffusers.pipelines.ltx.pipeline_ltx_image2video import LTXImageToVideoPipeline

        return LTXImageToVideoPipeline._normalize_latents(found[None], vae.latents_mean, vae.latents_std)[0]
    return found * vae.config.scaling_factor


def latent_of(frame: int, family: str) -> int:
    """The latent frame that holds a frame, by counting: the first alone, then groups."""
    latent, last = 0, 0
    while frame > last:
        latent, last = latent + 1, last + GROUP[family]
    return latent


@pytest.mark.parametrize("family", MAKE)
def test_latents_are_the_autoencoders(family: str, folders: dict[str, Path]) -> None:
    backbone = load(folders[family])
    expected, found = clip_latents(backbone, family), backbone.encode(PICTURES, None)
    assert found.shape == (FRAMES, 4, *(side // backbone.factor for side in SIZE))
    assert expected.shape[1] == latent_of(FRAMES - 1, family) + 1
    for frame in range(FRAMES):
        assert torch.allclose(found[frame], expected[:, latent_of(frame, family)], atol=1e-5)
    assert (expected[:, 0] - expected[:, 1]).abs().mean() > 1e-3


@pytest.mark.parametrize(("frames", "group"), [(1, 4), (2, 4), (5, 4), (6, 4), (14, 4), (14, 8), (9, 8)])
def test_frames_have_their_places_in_latent_frames(frames: int, group: int) -> None:
    held, family = LatentFrames(frames, group), "ltx" if group == 8 else "wan"
    assert held.places == [latent_of(frame, family) for frame in range(frames)]
    assert held.count == max(held.places) + 1 and held.firsts == [held.places.index(k) for k in range(held.count)]
    assert (held.padded - 1) % group == 0 and 0 <= held.padded - frames < group


def run_pipeline(pipeline: Any, folder: Path, x: Tensor) -> dict[str, Any]:
    """The pipeline's own run from the state x [1, c, latent frames, h, w]; what it tells its network at first."""
    seen: list[dict[str, Any]] = []
    handle = pipeline.transformer.register_forward_pre_hook(
        lambda _module, _args, told: seen.append(dict(told)), with_kwargs=True
    )
    embeds: dict[str, Any] = {name: value[None] for name, value in load_file(folder / "prompt.safetensors").items()}
    name = type(pipeline).__name__
    if name.startswith("Hunyuan"):
        embeds["guidance_scale"] = 3.5
    else:
        embeds |= {"guidance_scale": 1.0, "negative_prompt": None}
    if name.startswith("LTX"):
        x = pipeline._pack_latents(x, 1, 1)
    elif name.startswith("Cog"):
        x = x.transpose(1, 2)
    with torch.no_grad():
        pipeline(latents=x, height=SIZE[0], width=SIZE[1], num_frames=9, num_inference_steps=2,
                 output_type="latent", **embeds)  # fmt: skip
    handle.remove()
    return seen[0]


@pytest.mark.parametrize("family", MAKE)
def test_the_network_is_told_what_its_pipeline_tells_it(family: str, folders: dict[str, Path]) -> None:
    backbone = load(folders[family])
    pipeline = pipeline_of(folders[family], backbone)
    frames, sides = 1 + 8 // GROUP[family], [side // backbone.factor for side in SIZE]
    x = torch.randn(1, 4, frames, *sides, generator=torch.Generator().manual_seed(0))
    expected = run_pipeline(pipeline, folders[family], x)
    time = float(expected["timestep"].flatten()[0])
    call = Call(x, time, backbone.prompt, backbone.factor, GROUP[family], 3.5)
    found = {**backbone.family.inputs(backbone.network, call), "return_dict": False}
    wanted = {name for name, value in expected.items() if value is not None}
    assert wanted <= set(found) and all(found[name] is None for name in set(found) - wanted)
    for name in wanted:
        value, other = found[name], expected[name]
        if name == "hidden_states":
            # The first state of a diffusion pipeline is scaled by the scheduler, here by 1.
            assert torch.allclose(value, other.to(value), atol=1e-6)
        elif name == "timestep" and family == "wan-5b":
            # A time for each token, as images may be given to begin with; without any they are all the same.
            assert other.shape == (1, frames * GRID[family][0] * GRID[family][1]) and (other == value).all()
        elif isinstance(value, Tensor):
            assert value.shape == other.shape and torch.allclose(value.float(), other.float(), atol=1e-6), name
        elif isinstance(value, tuple) and isinstance(value[0], Tensor):
            assert all(torch.equal(a, b) for a, b in zip(value, other, strict=True)), name
        else:
            assert value == other, name


BLOCKS = {"wan": "blocks.1", "wan-5b": "blocks.1", "ltx": "transformer_blocks.1"}
TAKEN = {"queries": "to_q", "keys": "to_k", "modulated": "to_q"}
TEXT_TOKENS = 5


@pytest.mark.parametrize("take", ["output", *TAKEN])
@pytest.mark.parametrize(("family", "block"), [*((family, 1) for family in MAKE), ("hunyuan", 3)])
def test_tokens_are_those_of_a_plain_hook(family: str, block: int, take: str, folders: dict[str, Path]) -> None:
    backbone, clip = load(folders[family], take=take), Pictures(SIZE, PICTURES)
    found = queries_of(backbone, clip, range(FRAMES), block, SAMPLING)
    latents = start_of(backbone, clip, rows(range(FRAMES)), SAMPLING).latents
    firsts = [0, 1] if family == "ltx" else [0, 1, 5]
    x = torch.stack([latents[frame] for frame in firsts], 1)[None]
    time = backbone.path(50).timesteps[49].item()
    inputs = backbone.family.inputs(
        backbone.network, Call(x, time, backbone.prompt, backbone.factor, GROUP[family], 3.5)
    )
    path = BLOCKS.get(family, "transformer_blocks.1") if block == 1 else "single_transformer_blocks.1"
    if take != "output":
        path += f".{'attn' if family == 'hunyuan' else 'attn1'}.{TAKEN[take]}"
    seen: list[Any] = []
    module = backbone.network.get_submodule(path)
    handle = module.register_forward_hook(
        lambda _module, args, output: seen.append(args[0] if take == "modulated" else output)
    )
    with torch.no_grad():
        backbone.network(**inputs)
    handle.remove()
    tokens = seen[0] if isinstance(seen[0], Tensor) else seen[0][0]
    cells = GRID[family][0] * GRID[family][1]
    # CogVideoX has the text before the video in one sequence, the single blocks of HunyuanVideo behind it.
    one = take != "output" and (family.startswith("cogvideox") or block == 3)
    assert tokens.shape[1] == len(firsts) * cells + (TEXT_TOKENS if one else 0)
    if one:
        tokens = tokens[:, TEXT_TOKENS:] if block == 1 else tokens[:, :-TEXT_TOKENS]
    assert found.shape == (FRAMES, cells, 32)
    for frame in range(FRAMES):
        latent = latent_of(frame, family)
        expected = tokens[0, latent * cells : (latent + 1) * cells]
        assert torch.allclose(found[frame], expected, atol=1e-5, rtol=1e-4)
    assert found.std(1).mean() > 1e-2


@pytest.mark.parametrize("family", MAKE)
def test_a_clip_is_seen_whole_and_continued_by_its_last_frame(family: str, folders: dict[str, Path]) -> None:
    backbone = load(folders[family])
    sampling = SAMPLING.model_copy(update={"noise": "clip"})
    found = queries_of(backbone, Pictures(SIZE, PICTURES), range(FRAMES), 1, sampling)
    longer = np.concatenate([PICTURES, PICTURES[-1:].repeat(3, 0)])
    continued = queries_of(backbone, Pictures(SIZE, longer), range(FRAMES + 3), 1, sampling)
    assert torch.allclose(found, continued[:FRAMES], atol=1e-4)
    other = PICTURES.copy()
    other[-1] = 255 - other[-1]
    assert (queries_of(backbone, Pictures(SIZE, other), range(FRAMES), 1, sampling)[0] - found[0]).abs().max() > 1e-5


@pytest.mark.parametrize("family", MAKE)
def test_features_do_not_depend_on_how_many_frames_go_at_once(
    family: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    """Seven frames in batches of 3, 3 and 1: the cache is that of the batches, whatever `frames_at_once` says."""
    backbone = load(folders[family], take="queries")
    clip = Pictures(SIZE, np.concatenate([PICTURES, PICTURES[:1]]))
    sampling = SAMPLING.model_copy(update={"batches": Batches(size=3)})
    settings = Features(blocks=(1,), step=49, sampling=sampling)
    found: list[Any] = []
    for at_once in (1, 5):
        with h5py.File(tmp_path / f"{at_once}.h5", "w") as file:
            cache_queries(settings, at_once, clip, backbone, file)
        with open_clip(tmp_path / f"{at_once}.h5") as stored:
            found.append((stored["rows"][()], stored["block1"][()]))
    assert np.array_equal(found[0][0], [[f, f, f // 3] for f in range(7)])
    assert all(np.array_equal(a, b) for a, b in zip(*found, strict=True))
    for batch in (range(3), range(3, 6), range(6, 7)):
        alone = queries_of(backbone, clip, batch, 1, sampling).half().numpy()
        assert np.array_equal(found[0][1][list(batch)].reshape(alone.shape), alone)


@pytest.mark.parametrize("family", MAKE)
def test_a_planted_correspondence_is_found(family: str, folders: dict[str, Path]) -> None:
    """Tokens of noise moved to other places in the next latent frame; the first block's queries know them again."""
    backbone = load(folders[family], take="queries")
    clip, truth = moved(GRID[family], 1)
    picture = torch.from_numpy(clip.pictures).float().permute(0, 3, 1, 2)
    cells = torch.nn.functional.interpolate(picture, scale_factor=backbone.multiple / backbone.factor) / 5
    latents = torch.cat([cells, cells[:, :1]], 1)
    tokens = backbone.denoise(Start(latents), SAMPLING, [(0, 49)], last=49).queries[0, 49]
    assert matches(tokens, truth) >= 0.9


@pytest.mark.parametrize("family", MAKE)
def test_the_network_stays_as_it_was(family: str, folders: dict[str, Path]) -> None:
    backbone, clip = load(folders[family]), Pictures(SIZE, PICTURES)
    start = start_of(backbone, clip, rows(range(FRAMES)), SAMPLING)
    before, output = fingerprint(backbone.network), backbone.denoise(start, SAMPLING).states[49]
    queries_of(backbone, clip, range(FRAMES), 1, SAMPLING)
    assert fingerprint(backbone.network) == before
    assert torch.equal(backbone.denoise(start, SAMPLING).states[49], output)
    assert output.shape == start.latents.shape
    with pytest.raises(InputError, match=r"a latent frame stands for several frames.*upsampler: bilinear"):
        backbone.denoise(start, SAMPLING, modulation=Modulation(step=49))


def test_latents_are_noised_as_by_the_schedulers(folders: dict[str, Path]) -> None:
    latents, noise = torch.randn(2, 9, 4, 8, 12, generator=torch.Generator().manual_seed(0))
    for family, expected in (("cogvideox", None), ("wan", 3.0), ("hunyuan", 7.0), ("ltx", 1.0)):
        backbone, firsts = load(folders[family]), [0, *range(1, 9, GROUP[family])]
        held = torch.tensor([latent_of(frame, family) for frame in range(9)])
        for step in (49, 20):
            found = backbone.add_noise(latents, noise, SAMPLING.model_copy(update={"start": step}))
            drawn = noise[firsts][held]
            if expected is None:
                scheduler, time = scheduler_of(folders[family]), torch.tensor([1000 - 20 * step - 1] * 9)
                assert torch.allclose(found, scheduler.add_noise(latents, drawn, time), atol=1e-5)
            else:
                level = 1 - step / 50
                level = expected * level / (1 + (expected - 1) * level)
                assert torch.allclose(found, (1 - level) * latents + level * drawn, atol=1e-5)
