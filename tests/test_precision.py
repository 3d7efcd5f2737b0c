"""Networks in half precision: what stays in single precision, and that results stay near it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from parity_set import relative
from small_models import save_embedded, save_stable_diffusion, save_stable_video_diffusion
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.compiled import PARTS
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.loading import PRECISIONS, channels_last, load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

CPU = torch.device("cpu")
SAVE = {"embedded": save_embedded, "image": save_stable_diffusion, "video": save_stable_video_diffusion}
NEAR = {"float16": 0.01, "bfloat16": 0.08}
"""Relative difference from single precision: some tens of roundings to 11 and to 8 bits."""
SIZE = (64, 128)


@pytest.fixture(scope="module", params=list(SAVE))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return SAVE[request.param](tmp_path_factory.mktemp("model") / request.param)


def load(folder: Path, precision: Any) -> LatentDiffusion:
    kind = "video" if folder.name == "video" else "image"
    return load_backbone(BackboneSpec(name="own", kind=kind, path=str(folder), precision=precision), CPU)


def results(backbone: LatentDiffusion) -> dict[str, Tensor]:
    """What the method takes of a model, for two frames."""
    rng, draw = np.random.default_rng(0), torch.Generator().manual_seed(0)
    guidance = 5.0 if backbone.coupled or len(getattr(backbone, "contexts", ())) == 2 else 1.0
    video: dict[str, Any] = {"time_ids": (6, 127, 0.02), "batches": Batches(size=2)} if backbone.coupled else {}
    sampling = Sampling(steps=6, start=4, guidance=guidance, **video)
    modulation = Modulation(block=7, step=4, strength=10, blend_through=4)
    frames = rng.integers(0, 256, (2, *SIZE, 3)).astype(np.uint8)
    latents = backbone.encode(frames, None)
    condition = backbone.condition(frames[0], torch.randn(3, *SIZE, generator=draw), sampling)
    noise = torch.randn(latents.shape, generator=draw)
    start = Start(backbone.add_noise(latents, noise, sampling), condition)
    plain = backbone.denoise(start, sampling, [(7, 4)], modulation)
    masks = torch.zeros(4, *backbone.grid(*SIZE, 7))
    masks[:, :2] = 1
    frame = torch.tensor([0, 1, 0, 1])
    final = backbone.denoise_modulated(plain, frame, masks, torch.tensor([10.0, 10, -10, -10]), modulation)
    images = backbone.decode(final)
    return {"latents": latents, "queries": plain.queries[7, 4], "final": final, "images": images}


@pytest.mark.parametrize("precision", NEAR)
def test_results_are_near_those_of_single_precision(folder: Path, precision: str) -> None:
    exact, actual = results(load(folder, "float32")), results(load(folder, precision))
    assert actual["queries"].dtype == PRECISIONS[precision]
    for name in ("latents", "final", "images"):
        assert actual[name].dtype == torch.float32, "latents, steps and images are single precision"
    for name, values in actual.items():
        assert values.isfinite().all(), name
        assert relative(values.float(), exact[name]) < NEAR[precision], name
    assert relative(actual["images"], exact["images"]) > 0, "the networks did run in the other precision"


def test_a_cpu_takes_single_precision_by_default(folder: Path) -> None:
    backbone = load(folder, "auto")
    weights = [*backbone.unet.parameters(), *backbone.vae.parameters()]
    assert {weight.dtype for weight in weights} == {torch.float32}
    assert BackboneSpec(name="own", path="here").precision_on("cuda") == "float16"


def test_an_encoder_that_overflows_stays_in_single_precision(folder: Path) -> None:
    backbone = load(folder, "float16")
    upcast = folder.name != "embedded"  # AutoencoderTiny has no such key
    assert {p.dtype for p in backbone.vae.encoder.parameters()} == {torch.float32 if upcast else torch.float16}
    assert {p.dtype for p in backbone.vae.decoder.parameters()} == {torch.float16}
    assert {p.dtype for p in load(folder, "bfloat16").vae.encoder.parameters()} == {torch.bfloat16}


def test_the_layout_of_weights_changes_no_value(folder: Path) -> None:
    backbone = load(folder, "float32")
    unet, exact = backbone.unet, results(backbone)
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    channels_last(unet)
    convolutions = [m.weight for m in unet.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size != (1, 1)]
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in convolutions) and convolutions
    assert all(torch.equal(weight, before[name]) for name, weight in unet.state_dict().items())
    for name, values in results(backbone).items():
        assert relative(values, exact[name]) < 1e-5, name


def test_compiled_parts_give_what_they_gave(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The default backend takes minutes to write kernels; tracing, and what hooks do to it, is the same with this one.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    kind: Any = "video" if folder.name == "video" else "image"
    compiled = load_backbone(BackboneSpec(name="own", kind=kind, path=str(folder), compile=True), CPU)
    parts = [module for module in compiled.unet.modules() if isinstance(module, PARTS)]
    assert parts and all("forward" in vars(module) for module in parts)
    exact, actual = results(load(folder, "float32")), results(compiled)
    for name, values in actual.items():
        assert relative(values, exact[name]) < 1e-5, name
    assert all("forward" in vars(module) for module in parts), "still compiled after a modulated pass"
    assert BackboneSpec(name="own", path="a", compile=True).rounding("cpu") == {
        "precision": "float32",
        "compiled": "yes",
    }
