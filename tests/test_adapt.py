"""Adaptation to footage: what it reads, what it refuses, and that stopping it changes nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.torch import load_file

from adaptable import save_adaptable, write_frames
from training_processes import training_processes
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.video import VideoWriter
from zeroshot_vss.training import adapt as command
from zeroshot_vss.training import adaptation
from zeroshot_vss.training.adapt import adapt, config_lines
from zeroshot_vss.training.adaptation import rate_at
from zeroshot_vss.training.adapted import Adapted
from zeroshot_vss.training.correspondence import cells_in_frame, cells_in_view, targets, view_loss, walk_loss
from zeroshot_vss.training.footage import Footage, View, cut, decode, draw_view, find_clips, open_clip
from zeroshot_vss.training.pair_losses import Source, step_source
from zeroshot_vss.training.settings import AdaptationSettings
from zeroshot_vss.training.trainer import Trainer

QUICK = AdaptationSettings(
    height=64,
    stored_height=64,
    steps=4,
    processes=1,
    pairs=1,
    pool=2,
    uses=1,
    warm_up=1,
    denoise_every=2,
    decoder_steps=2,
)
WHOLE = View(0, 0, 1, False)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an untrained backbone."""
    return save_adaptable(tmp_path_factory.mktemp("models") / "base")


def opened(paths: list[Path]) -> dict[str, Clip]:
    """Clips by their paths."""
    return {str(path): open_clip(path) for path in paths}


def run(base: Path, frames: Path, out: Path, settings: AdaptationSettings = QUICK) -> Path:
    """Adapt."""
    with training_processes():
        adapt(base, [frames], out, settings)
    return out


@pytest.fixture(scope="module")
def adapted(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder that holds the data set `data`, and `mine`, adapted to it."""
    folder = tmp_path_factory.mktemp("adapted")
    write_frames(folder / "data" / "JPEGImages" / "480p" / "one", 3)
    write_frames(folder / "data" / "JPEGImages" / "480p" / "two", 2, (64, 64))
    # Opening this as an image would fail.
    (folder / "data" / "Annotations" / "480p" / "one").mkdir(parents=True)
    (folder / "data" / "Annotations" / "480p" / "one" / "00000.png").write_text("a mask that nobody may open")
    run(base, folder / "data", folder / "mine")
    return folder


def test_the_folder_is_a_backbone(adapted: Path, base: Path) -> None:
    out = adapted / "mine"
    backbone = load_backbone(BackboneSpec(name="mine", path=str(out)), torch.device("cpu"))
    assert backbone.grid(64, 96, 7) == (8, 12)
    name = "unet/diffusion_pytorch_model.safetensors"
    before, after = load_file(base / name), load_file(out / name)
    assert before.keys() == after.keys() and {t.dtype for t in after.values()} == {torch.float16}
    assert all(t.isfinite().all() for t in after.values())
    assert any(not torch.equal(before[k], after[k]) for k in before)
    with (out / "training-log.csv").open() as file:
        assert [(row["part"], row["step"]) for row in csv.DictReader(file)] == [("adaptation", "4"), ("decoder", "2")]


def test_the_encoder_stays(adapted: Path, base: Path) -> None:
    name = "vae/diffusion_pytorch_model.safetensors"
    before, after = load_file(base / name), load_file(adapted / "mine" / name)
    changed = {k.split(".")[0] for k in before if not torch.equal(before[k], after[k])}
    assert changed == {"decoder"}


def test_the_record_names_the_footage(adapted: Path) -> None:
    record = json.loads((adapted / "mine" / "training.json").read_text())
    assert (record["base"], record["clips"], record["frames"]) == ("base", ["one", "two"], 5)
    assert AdaptationSettings(**record["settings"]) == QUICK


@pytest.mark.parametrize("trained", ["queries", "all"])
def test_a_resumed_training_ends_as_an_uninterrupted_one(base: Path, adapted: Path, trained: str) -> None:
    """The state after three steps, stored and restored, gives bit by bit what going on gives."""
    footage = decode(opened(find_clips([adapted / "data"])), 64, adapted / f"frames-{trained}")
    settings = AdaptationSettings.model_validate(QUICK.model_dump() | {"trained": trained})

    def start() -> tuple[Trainer, Source]:
        model = Adapted(base)
        source = step_source(model, footage, settings, 1)
        return Trainer(model, settings, partial(rate_at, settings=settings)), source

    def train(trainer: Trainer, source: Source, until: int) -> None:
        while trainer.step < until:
            trainer.update(source(trainer.step).total)

    straight, source = start()
    train(straight, source, 3)
    path = adapted / f"{trained}.pt"
    torch.save(straight.state(), path)
    train(straight, source, 5)
    resumed, source = start()
    resumed.restore(torch.load(path, weights_only=True))
    train(resumed, source, 5)
    assert resumed.step == straight.step == 5
    assert all(torch.equal(a, b) for a, b in zip(straight.average, resumed.average, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(straight.parameters, resumed.parameters, strict=True))


def test_the_level_is_passed_as_in_the_whole_network(base: Path) -> None:
    """Kept passes give the queries that a whole pass gives."""
    model = Adapted(base)
    noisy, timesteps = torch.randn(2, 4, 16, 24, generator=torch.manual_seed(1)), torch.tensor([10, 300])
    _, wanted = model(noisy, timesteps)
    nothing, ended = model(noisy, timesteps, False)
    given, output = model.until_level(noisy, timesteps)
    again, queries = model.level_pass(given)
    assert nothing is None and torch.equal(ended, wanted)
    assert torch.allclose(queries, wanted, atol=1e-5) and torch.allclose(again, output, atol=1e-5)


def test_only_the_level_of_the_queries_changes(adapted: Path, base: Path) -> None:
    name = "unet/diffusion_pytorch_model.safetensors"
    before, after = load_file(base / name), load_file(adapted / "mine" / name)
    changed = {".".join(k.split(".")[:2]) for k in before if not torch.equal(before[k], after[k])}
    assert changed == {"up_blocks.2"}


def test_the_command_goes_on_from_a_checkpoint(
    base: Path, adapted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run stopped after two of four steps and repeated writes the same weights as the one of the fixture."""
    stopped = tmp_path / "mine"

    def interrupted(function, arguments, processes, meeting) -> None:
        update = Trainer.update

        def fails(self, loss):
            if self.step == 2:
                raise KeyboardInterrupt
            update(self, loss)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(adaptation, "SECONDS_BETWEEN_CHECKPOINTS", -1)
            patch.setattr(Trainer, "update", fails)
            function(0, *arguments)

    monkeypatch.setattr(command, "spawn", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(base, adapted / "data", stopped)
    assert torch.load(tmp_path / "mine-work" / "checkpoint.pt", weights_only=True)["step"] == 2
    monkeypatch.undo()
    run(base, adapted / "data", stopped)
    for name in ("unet/diffusion_pytorch_model.safetensors", "context.safetensors"):
        assert (stopped / name).read_bytes() == (adapted / "mine" / name).read_bytes()


def test_work_of_another_training_is_refused(base: Path, adapted: Path) -> None:
    with pytest.raises(InputError, match=r"mine-work is of a training with another base or other settings"):
        run(base, adapted / "data", adapted / "mine", QUICK.model_copy(update={"rate": 1e-5}))


def test_the_lines_of_config_are_config(tmp_path: Path) -> None:
    config = yaml.safe_load(config_lines(tmp_path / "mine", 128).split("\n\n", 1)[1])
    assert config["user_clips"]["backbone"] == "mine" and config["backbones"]["mine"]["path"] == str(
        tmp_path / "mine"
    )


# Footage


def test_videos_and_nested_folders_are_found(tmp_path: Path) -> None:
    write_frames(tmp_path / "a" / "b" / "one", 1)
    write_frames(tmp_path / "a" / "b" / "one_masks", 1)
    write_frames(tmp_path / "a" / "SegmentationClass", 1)
    write_frames(tmp_path / "a" / ".hidden", 1)
    with VideoWriter(tmp_path / "a" / "film.mp4", 10) as writer:
        writer.write(np.full((3, 64, 96, 3), 90, np.uint8))
    clips = find_clips([tmp_path / "a", tmp_path / "a" / "film.mp4"])
    assert [p.name for p in clips] == ["one", "film.mp4"]
    assert [p.name for p in find_clips([tmp_path / "a"], exclude=["film"])] == ["one"]
    footage = decode(opened(clips), 32, tmp_path / "frames")
    assert [c.shape for c in footage.clips] == [(1, 32, 48, 3), (3, 32, 48, 3)] and footage.frames == 4


def no_frames(folder: Path) -> str:
    (folder / "data" / "notes").mkdir(parents=True)
    return r"--frames .*data: neither frames nor videos in it or below it"


def nothing(folder: Path) -> str:
    return r"--frames .*data: there is no such file or folder"


def mixture_of_sizes(folder: Path) -> str:
    write_frames(folder / "data", 2)
    Image.new("RGB", (96, 60)).save(folder / "data" / "00002.png")
    return r"clip 'data': frame 00002\.png is 96 x 60 pixels, but the first, 00000\.png, is 96 x 64"


def unreadable(folder: Path) -> str:
    write_frames(folder / "data", 2)
    whole = (folder / "data" / "00001.png").read_bytes()
    (folder / "data" / "00001.png").write_bytes(whole[: len(whole) // 2])
    return r"clip 'data': frame 00001\.png is damaged or cut short"


def no_video(folder: Path) -> str:
    (folder / "data").write_text("not a video")
    return r"clip 'data'.*(not a video|cannot be read as a video)"


@pytest.mark.parametrize("make", [no_frames, nothing, mixture_of_sizes, unreadable, no_video])
def test_bad_footage_is_named(base: Path, tmp_path: Path, make) -> None:
    message = make(tmp_path)
    with pytest.raises(InputError, match=message):
        run(base, tmp_path / "data", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_base_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--from .*empty: there is no unet/config\.json"):
        adapt(tmp_path / "empty", [write_frames(tmp_path / "clip", 1)], tmp_path / "out", QUICK)


def test_views(tmp_path: Path) -> None:
    """A view shows its box: a picture whose values are its places is cut, mirrored or not, to places of the box."""
    rows, columns = np.mgrid[:64, :128]
    frame = np.stack([rows * 2, columns, np.zeros_like(rows)], -1).astype(np.uint8)
    for mirrored in (False, True):
        image = cut(frame, View(0.25, 0.5, 0.5, mirrored), (32, 64)).astype(int)
        assert image.shape == (32, 64, 3)
        left, right = image[:, 0, 1].mean(), image[:, -1, 1].mean()
        assert sorted([left, right]) == [64, 127] and (left > right) == mirrored
        assert (image[0, :, 0].mean(), image[-1, :, 0].mean()) == (32, 94)
    rng = np.random.default_rng(1)
    views = [draw_view(0.5, 2.0, rng) for _ in range(400)]
    assert all(0 <= v.top <= 1 - v.side + 1e-9 and 0.5 <= v.side <= 1 for v in views)
    assert 150 < sum(v.side == 1 for v in views) < 250


# Correspondence


@pytest.fixture
def views() -> Iterator[View]:
    yield View(0.25, 0.5, 0.5, True)


def test_places_of_views(views: View) -> None:
    grid = (4, 6)
    places = cells_in_frame(views, grid)
    assert torch.allclose(places[0], torch.tensor([0.25 + 0.5 / 8, 0.5 + 0.5 * 11 / 12]))
    back = cells_in_view(places, views, grid).reshape(4, 6, 2)
    assert torch.allclose(back[2, 3], torch.tensor([2.0, 3.0]), atol=1e-5)


def test_targets_of_a_quarter(views: View) -> None:
    """The whole frame has its lower right quarter in the view; cell (2, 3) of 4 x 4 lies at its upper left."""
    quarter = View(0.5, 0.5, 0.5, False)
    weights, inside = targets(WHOLE, quarter, (4, 4), 0.7)
    assert inside.reshape(4, 4).tolist() == [[False] * 4] * 2 + [[False, False, True, True]] * 2
    assert torch.allclose(weights.sum(-1), torch.ones(16))
    # Its centre lies between the first four cells of the view, which share the most.
    top = weights[10].reshape(4, 4)
    assert torch.allclose(top[:2, :2], top[0, 0].expand(2, 2)) and top[0, 0] > 0.15


def test_losses_prefer_the_same_place() -> None:
    grid, mirrored = (3, 4), View(0, 0, 1, True)
    rows, columns = torch.meshgrid(torch.arange(3.0), torch.arange(4.0), indexing="ij")
    tokens = torch.stack([rows.cos(), rows.sin(), columns.cos(), columns.sin()], -1)
    flipped = tokens.flip(1).reshape(12, 4)
    pairs = {name: torch.stack([tokens.reshape(12, 4), t]) for name, t in
             (("same", tokens.reshape(12, 4)), ("flipped", flipped))}  # fmt: skip
    assert view_loss(pairs["flipped"], (WHOLE, mirrored), grid, 0.1) < 2
    assert view_loss(pairs["same"], (WHOLE, mirrored), grid, 0.1) > 5
    assert view_loss(pairs["same"], (WHOLE, WHOLE), grid, 0.1) < 2
    # Walking there and back ends where it began wherever the cells have gone, unless the tokens say nothing.
    gone = torch.stack([tokens.reshape(12, 4), tokens.reshape(12, 4)[torch.randperm(12)]])
    assert walk_loss(gone, (WHOLE, WHOLE), grid, 0.02) < 0.05
    assert walk_loss(torch.ones(2, 12, 4), (WHOLE, WHOLE), grid, 0.02) > 0.5


def test_rates() -> None:
    settings = QUICK.model_copy(update={"rate": 1.0, "warm_up": 10, "steps": 100, "final_share": 0.25})
    rates = [rate_at(step, settings) for step in range(100)]
    assert rates[0] == pytest.approx(0.1) and rates[10] == rates[74] == 1
    assert rates[75:] == sorted(rates[75:], reverse=True) and rates[99] == pytest.approx(0.04)


def test_footage_counts() -> None:
    assert Footage([np.zeros((2, 4, 4, 3), np.uint8), np.zeros((3, 4, 4, 3), np.uint8)]).frames == 5
