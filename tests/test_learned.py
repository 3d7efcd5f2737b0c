"""Learned upsamplers: small hub folders whose networks are written here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from backbone_checks import Pictures, label_maps
from small_models import save_embedded
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import read_all
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.context import normalise_tokens
from zeroshot_vss.settings.learned import LearnedUpsampler
from zeroshot_vss.settings.upsampling import MethodUpsampling, Upsampling
from zeroshot_vss.upsamplers.base import Resources, make_upsampler
from zeroshot_vss.upsamplers.hub import hub_digest, load_hub
from zeroshot_vss.upsamplers.learned import nearest_labels

HUBCONF = """
dependencies = ["torch"]
import torch
import torch.nn.functional as F
from small_network import Scaled

def scaled(channels=5, seed=0, pretrained=False):
    torch.manual_seed(seed)
    if pretrained:
        torch.hub.load_state_dict_from_url("https://example.org/weights.pth")
    return Scaled(channels)

def small(channels=5):
    model = Scaled(channels)
    model.forward = lambda image, features, output_size: features
    return model

def nan():
    model = Scaled(5)
    model.forward = lambda image, features, output_size: F.interpolate(features, output_size) * float("nan")
    return model

def number():
    return 3
"""
NETWORK = """
import torch.nn.functional as F
from torch import nn

class Scaled(nn.Module):
    '''Bilinear features, changed by a random projection of the image.'''

    def __init__(self, channels):
        super().__init__()
        self.colours = nn.Conv2d(3, channels, 1)

    def forward(self, image, features, output_size=None):
        full = F.interpolate(features, output_size, mode="bilinear")
        return full + 0.1 * self.colours(F.interpolate(image, output_size))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    hub = tmp_path / "hub"
    hub.mkdir()
    (hub / "hubconf.py").write_text(HUBCONF)
    (hub / "small_network.py").write_text(NETWORK)
    return hub


RNG = np.random.default_rng(1)
FRAMES = RNG.integers(0, 256, (3, 12, 16, 3), np.uint8)
FEATURES = RNG.normal(size=(3, 3, 4, 5)).astype(np.float32)
COARSE = RNG.choice(np.array([2, 7, 250], np.uint8), (3, 3, 4))
COARSE[1] = 7


def upsampled(learned: LearnedUpsampler, places: list[int]) -> NDArray[np.uint8]:
    settings = Upsampling(upsampler="learned", modulation=None, sampling=None, filter=None, learned=learned)
    resources = Resources(lambda: pytest.fail("no model"), lambda: 1.0, lambda clip, some: FEATURES[list(some)])
    upsampler = make_upsampler(settings, resources)
    clip = Pictures((FRAMES.shape[1], FRAMES.shape[2]), FRAMES)
    return upsampler.upsample(clip, [Row(i, i) for i in places], COARSE[places])


def test_pixels_take_the_label_of_the_nearest_mean_token(folder: Path) -> None:
    learned = LearnedUpsampler(path=str(folder), entry="scaled", options={"seed": 4})
    maps = upsampled(learned, [0, 1, 2])
    assert maps.shape == (3, 12, 16) and maps.dtype == np.uint8 and (maps[1] == 7).all()
    torch.manual_seed(4)
    colours = torch.nn.Conv2d(3, 5, 1)
    tokens = normalise_tokens(FEATURES)
    for place in (0, 2):
        image = (FRAMES[place] / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
        shown = torch.tensor(image.transpose(2, 0, 1)[None], dtype=torch.float32)
        features = torch.from_numpy(tokens[place].transpose(2, 0, 1)[None])
        with torch.no_grad():
            full = (F.interpolate(features, (12, 16), mode="bilinear") + 0.1 * colours(shown))[0].numpy()
        labels = np.unique(COARSE[place])
        for y in range(12):
            for x in range(16):
                means = [tokens[place][COARSE[place] == label].mean(0) for label in labels]
                away = [np.square(full[:, y, x] - mean).sum() for mean in means]
                assert maps[place, y, x] == labels[int(np.argmin(away))]
        np.testing.assert_array_equal(upsampled(learned, [place])[0], maps[place])


def test_weights_come_from_a_file(folder: Path, tmp_path: Path) -> None:
    settings = LearnedUpsampler(path=str(folder), entry="scaled", options={"seed": 9})
    state = load_hub(settings).state_dict()
    torch.save(state, tmp_path / "w.pth")
    loaded = load_hub(LearnedUpsampler(path=str(folder), entry="scaled", weights=str(tmp_path / "w.pth")))
    assert not loaded.training
    for name, values in loaded.state_dict().items():
        torch.testing.assert_close(values, state[name])


def test_the_digest_is_of_files_and_choices_and_not_of_the_place(folder: Path, tmp_path: Path) -> None:
    def digest(**over: Any) -> str:
        return hub_digest(LearnedUpsampler(**{"path": str(folder), "entry": "scaled", **over}))

    weights, other = tmp_path / "w.pth", tmp_path / "v.pth"
    weights.write_bytes(b"one")
    other.write_bytes(b"two")
    first = digest()
    moved = tmp_path / "elsewhere"
    folder.rename(moved)
    assert digest(path=str(moved)) == first
    moved.rename(folder)
    changed = [
        digest(entry="small"),
        digest(options={"seed": 1}),
        digest(weights=str(weights)),
        digest(weights=str(other)),
    ]
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    assert digest() == first
    (folder / "small_network.py").write_text(NETWORK.replace("0.1", "0.2"))
    assert len({first, digest(), *changed}) == 6


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"entry": "absent"}, "entry 'absent'.*cannot be loaded"),
        ({"options": {"chanels": 3}}, "entry 'scaled'.*chanels"),
        ({"options": {"pretrained": True}}, r"asks for https://example.org/weights.pth.*upsampling.learned.weights"),
        ({"entry": "number"}, "makes a int"),
        ({"entry": "small"}, r"'small' made \(1, 5, 3, 4\); expected features \(1, 5, 12, 16\)"),
        ({"entry": "nan"}, "'nan' made numbers that are not finite"),
        ({"weights": "absent.pth"}, "there is no file absent.pth"),
    ],
)
def test_what_is_wrong_with_a_network_is_said(folder: Path, over: dict[str, Any], message: str) -> None:
    kept = torch.hub.load_state_dict_from_url
    with pytest.raises(InputError, match=message):
        upsampled(LearnedUpsampler(**{"path": str(folder), "entry": "scaled", **over}), [0])
    assert torch.hub.load_state_dict_from_url is kept


def test_a_folder_without_hubconf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no hubconf.py"):
        hub_digest(LearnedUpsampler(path=str(tmp_path), entry="scaled"))


@pytest.mark.parametrize(
    "over", [{"upsampler": "learned"}, {"upsampler": "nearest", "learned": {"path": "a", "entry": "b"}}]
)
def test_learned_belongs_to_its_upsampler(over: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="learned must be given with upsampler 'learned'"):
        MethodUpsampling.model_validate({"modulation": None, "filter": None, **over})


def test_the_stage_reads_the_features_of_the_row(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "hubconf.py").write_text(
        "import torch.nn.functional as F\nfrom torch import nn\n\n\nclass Plain(nn.Module):\n"
        "    def forward(self, image, features, output_size):\n"
        "        return F.interpolate(features, output_size, mode='bilinear')\n\n\ndef plain():\n    return Plain()\n"
    )
    monkeypatch.chdir(tmp_path)
    upsampling = {"upsampler": "learned", "modulation": None, "filter": None,
                  "learned": {"path": str(folder), "entry": "plain"}}  # fmt: skip
    settings = {"sampling": {"guidance": 1.0}, "context": {"blocks": [6, 7]}, "upsampling": upsampling}
    maps = label_maps(tmp_path / "data", {"path": str(save_embedded(tmp_path / "model")), "settings": settings})
    for clip, actual in maps.items():
        (made,) = (tmp_path / "results/maps").rglob(f"{clip}.h5")
        assert "~blocks=6+7" in made.parent.name and "path" not in made.parent.name
        (cached,) = (tmp_path / "results/features").rglob(f"{clip}.h5")
        (refined,) = (tmp_path / "results/coarse").rglob(f"{clip}.h5")
        coarse = read_all(refined, "maps")
        blocks = [read_all(cached, f"block{block}").astype(np.float32) for block in (6, 7)]
        tokens = torch.from_numpy(normalise_tokens(np.asarray(np.mean(blocks, 0), np.float32)))
        full = F.interpolate(tokens.permute(0, 3, 1, 2), actual.shape[1:], mode="bilinear").permute(0, 2, 3, 1)
        for frame, expected in enumerate(actual):
            assert (nearest_labels(full[frame], tokens[frame], coarse[frame]) == expected).mean() > 0.999
        assert len(np.unique(actual)) > 1
