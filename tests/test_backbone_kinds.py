"""A kind of backbones is one file: the example of docs/adding-a-backbone.md is run as it stands there."""

from __future__ import annotations

import re
import subprocess
import sys
import types
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from small_models import CONTEXT_WIDTH, save_embedded, save_stable_diffusion, save_stable_video_diffusion
from test_config import shipped
from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.clean import CleanOptions
from zeroshot_vss.backbones.geometry import Geometry
from zeroshot_vss.backbones.kind import NoOptions, find_model
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.backbones.token_options import TransformerOptions
from zeroshot_vss.config import read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.preflight.models import backbone_status
from zeroshot_vss.settings.sampling import Sampling

ROOT = Path(__file__).parent.parent
CPU = torch.device("cpu")


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> str:
    """The page's kind, registered by the page's line; its name."""
    page = (ROOT / "docs" / "adding-a-backbone.md").read_text()
    source, line = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    name, place = re.fullmatch(r'"(.*)": "(.*)",\n', line).groups()  # pyright: ignore[reportOptionalMemberAccess]
    module = types.ModuleType(place.partition(":")[0])
    exec(compile(source, "adding-a-backbone.md", "exec"), vars(module))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(BACKBONES._entries, name, place)
    return name


def test_the_example_of_the_page_is_a_backbone(example: str, tmp_path: Path) -> None:
    folder = save_embedded(tmp_path / "model")
    save_file({"context": torch.zeros(1, CONTEXT_WIDTH)}, folder / "context.safetensors")
    image = load_backbone(BackboneSpec(name="zeros", path=str(folder)), CPU)
    (folder / "context.safetensors").unlink()
    spec = BackboneSpec(name="own", kind=example, path=str(folder))
    own = load_backbone(spec, CPU)
    sampling = Sampling(guidance=1, steps=3, start=1)
    start = Start(torch.randn(2, *own.latent_shape(32, 64), generator=torch.Generator().manual_seed(0)))
    queries = [model.denoise(start, sampling, [(7, 2)]).queries[7, 2] for model in (own, image)]
    assert torch.equal(*queries)
    status = backbone_status(spec, "own")
    assert status.missing is None and status.geometry is not None and status.geometry.multiple == own.multiple
    (folder / "vae" / "config.json").unlink()
    with pytest.raises(
        InputError, match=r"lacks vae/config\.json; it must be a diffusers folder of an image model with"
    ):
        find_model(spec)


def test_an_unknown_kind_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="there is no kind of backbone 'vidio'; did you mean 'video'"):
        BackboneSpec(name="a", path="a", kind="vidio")


SAVE = {"image": save_stable_diffusion, "video": save_stable_video_diffusion}


@pytest.mark.parametrize("kind", SAVE)
def test_what_is_planned_with_is_what_is_loaded(kind: str, tmp_path: Path) -> None:
    spec = BackboneSpec(name="own", kind=kind, path=str(SAVE[kind](tmp_path / kind)))
    files, model = find_model(spec), load_backbone(spec, CPU)
    assert files.kind.coupled == model.coupled == files.geometry.coupled
    assert isinstance(files.geometry, Geometry)
    assert files.geometry.attention_blocks() == model.decoder.attention_blocks()
    assert files.geometry.per_level == model.decoder.per_level
    # Stable Diffusion's: 8 pixels a latent cell, a level of three blocks halves the grid.
    assert [files.geometry.grid(256, 512, block) for block in (3, 8, 11)] == [(8, 16), (16, 32), (32, 64)]


def test_planning_imports_no_torch() -> None:
    code = """
import sys
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.spec import BackboneSpec
import zeroshot_vss.workflow.plan
for kind, name in (("image", "scenes-tiny"), ("video", "scenes-tiny-video")):
    tiny = "models/scenes-tiny/tiny_decoder"
    model = find_model(BackboneSpec(name=name, kind=kind, path=f"models/{name}", tiny_decoder=tiny))
    assert model.digest and model.geometry.multiple == 32
assert not {"torch", "diffusers", "transformers"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_every_kind_and_option_is_on_its_page() -> None:
    """The page's tables are made (tests/test_docs.py); here, that what they are made of says something."""
    page = (ROOT / "docs" / "backbones.md").read_text()
    for name in BACKBONES:
        kind = BACKBONES.load(name)
        assert f"| `{name}` | {kind.examples} |" in page and kind.examples, name
        assert f"<!-- options of {name} -->" in page or kind.options in (NoOptions, CleanOptions, TransformerOptions)
        assert all(field.description for field in kind.options.model_fields.values()), name


def test_the_shipped_table_has_a_row_of_each_kind() -> None:
    """Settings of every row fit each other; blocks and steps are those that the page publishes."""
    config = read_config(shipped("backbones.yaml"))
    table = config.tables["backbones"]
    assert {config.backbones[name].kind for name in table.backbones} == set(BACKBONES)
    chosen = {name: config.method_settings("ours", name, "scenes") for name in table.backbones}
    for name, settings in chosen.items():
        by = config.upsampling_backbone(name)
        spec = config.backbones[by].spec(by)
        assert (settings.upsampling.modulation is None) == (spec.unmodulated is not None), name
        assert settings.context.blocks == settings.features.blocks, name
    times = {"flux": (28, 260), "flux-davis": (24, 90), "pixart-sigma": (14, 100),
             "cogvideox": (17, 20), "hunyuan-video": (16, 33)}  # fmt: skip
    for name, (block, time) in times.items():
        sampling = chosen[name].sampling
        assert chosen[name].features.blocks == (block,) and chosen[name].features.step == sampling.start
        assert round(1000 * (1 - sampling.start / sampling.steps)) == time
        assert sampling.guidance == 1
