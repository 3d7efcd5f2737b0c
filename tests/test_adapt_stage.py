"""Adaptation as a stage of the workflow: weights of a clip's own, used by the stages behind it and by no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

from adaptable import save_adaptable, write_frames
from small_models import save_stable_diffusion
from test_config import shipped
from training_processes import training_processes
from zeroshot_vss.backbones.given_weights import take_weights
from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.store import Manifest, read_all
from zeroshot_vss.jobs.adapt import AdaptJob
from zeroshot_vss.jobs.base import Job
from zeroshot_vss.stages import adapt as stage
from zeroshot_vss.training.adapt import adapt
from zeroshot_vss.training.settings import AdaptationSettings
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.run import run

TRAINING = {"steps": 4, "height": 64, "stored_height": 64, "decoder_steps": 2}
USED = {"sampling": {"guidance": 1.0}, "context": {"clusters": 3, "initialisations": 1}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of an untrained backbone."""
    return save_adaptable(tmp_path_factory.mktemp("models") / "base")


def planned(base: Path, clips: Path, results: str, adapted: object = False) -> Plan:
    """Two clips of the user, segmented with coarse maps alone."""
    over = {
        "compute": {"device": "cpu", "threads": 1},
        "backbones": {"small": {"title": "small", "path": str(base), "settings": USED}},
        "clips": {name: str(clips / name) for name in ("one", "two")},
        "user_clips": {"method": "ours-bilinear", "backbone": "small", "adapt": adapted},
    }
    return Plan(read_config(merge(shipped(), over)), prefix=results)


def jobs_behind(plan: Plan, clip: str) -> list[Job]:
    """The jobs that lead to a clip's overlay, in an order in which they can run."""
    ordered: list[Job] = []

    def add(path: str) -> None:
        job = plan.target(path.removeprefix(plan.prefix)).job
        for needed in job.inputs():
            add(needed)
        if job not in ordered:
            ordered.append(job)

    add(f"{plan.prefix}results/clips/{clip}/player.html")
    return ordered


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    write_frames(folder / "one", 3)
    write_frames(folder / "two", 2)
    return folder


@pytest.fixture(scope="module")
def made(base: Path, clips: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Job]:
    """The jobs of an adapted clip by stage, done."""
    plan = planned(base, clips, f"{tmp_path_factory.mktemp('run')}/", TRAINING)
    jobs = jobs_behind(plan, "one")
    with training_processes():
        for job in jobs:
            run(job)
    return {job.stage: job for job in jobs}


def test_the_weights_are_those_of_the_command(made: dict[str, Any], base: Path, clips: Path, tmp_path: Path) -> None:
    """A model that takes a clip's weights is the model that `train adapt` writes from the same frames."""
    same = made["adapt"].settings.model_dump()
    with training_processes():
        adapt(base, [clips / "one"], tmp_path / "mine", AdaptationSettings.model_validate(same))
    load = lambda path: load_backbone(BackboneSpec(name="m", path=str(path)), torch.device("cpu"))  # noqa: E731
    own, taken, written = load(base), load(base), load(tmp_path / "mine")
    take_weights(taken, Manifest.load(made["adapt"].manifest).verified("one"))
    for part in ("unet", "vae"):
        weights = [getattr(model, part).state_dict() for model in (own, taken, written)]
        assert all(torch.equal(weights[1][name], weights[2][name]) for name in weights[0])
        assert not all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_features_are_of_the_adapted_model(made: dict[str, Any], base: Path, clips: Path, tmp_path: Path) -> None:
    plain = planned(base, clips, f"{tmp_path}/")
    jobs: dict[str, Any] = {job.stage: job for job in jobs_behind(plain, "one")}
    assert "adapt" not in jobs
    for name in ("check", "features"):
        run(jobs[name])
    own, adapted = (read_all(Manifest.load(of["features"].manifest).verified("one"), "block7").astype(float)
                    for of in (jobs, made))  # fmt: skip
    assert own.shape == adapted.shape and np.abs(own - adapted).max() > 1e-3


def test_only_what_the_training_bears_on_is_planned_anew(base: Path, clips: Path) -> None:
    """Other settings of the training have other paths; checks are shared; each clip has a training of its own."""
    ways = {str(way): {job.stage: job for job in jobs_behind(planned(base, clips, "", way), "one")}
            for way in (False, True, TRAINING, {**TRAINING, "steps": 5})}  # fmt: skip
    keys = {way: {name: (job.key(), job.outputs()) for name, job in jobs.items()} for way, jobs in ways.items()}
    assert len({str(jobs["check"]) for jobs in keys.values()}) == 1
    assert len({str(jobs["features"]) for jobs in keys.values()}) == len(ways)
    one, two = (next(j for j in jobs_behind(planned(base, clips, "", True), c) if isinstance(j, AdaptJob))
                for c in ("one", "two"))  # fmt: skip
    assert one.clips == ("one",) and two.clips == ("two",) and one.manifest != two.manifest


def test_an_interrupted_training_of_other_frames_is_not_gone_on_from(made: dict[str, Any], tmp_path: Path) -> None:
    folder = tmp_path / "one.training"
    stage._of_this_training(folder, "a key")
    (folder / "checkpoint.pt").write_bytes(b"of this training")
    stage._of_this_training(folder, "a key")
    assert (folder / "checkpoint.pt").exists()
    stage._of_this_training(folder, "another key")
    assert not (folder / "checkpoint.pt").exists()
    assert not list(Path(made["adapt"].manifest).parent.glob("*.training"))


def test_weights_of_another_model_are_refused(made: dict[str, Any], tmp_path: Path) -> None:
    other = save_adaptable(tmp_path / "other", channels=(16, 16, 16, 32))
    model = load_backbone(BackboneSpec(name="other", path=str(other)), torch.device("cpu"))
    with pytest.raises(InputError, match=r"one\.h5 .*backbone 'other' has no weights unet\.up_blocks\.2.* of shape"):
        take_weights(model, Manifest.load(made["adapt"].manifest).verified("one"))


def test_a_backbone_that_cannot_be_adapted_is_refused_at_planning(clips: Path, tmp_path: Path) -> None:
    save_stable_diffusion(tmp_path / "other")
    with pytest.raises(InputError, match=r"backbone 'small' cannot be adapted: there is no context\.safetensors"):
        jobs_behind(planned(tmp_path / "other", clips, "", True), "one")


def test_a_backbone_like_another_has_its_entries() -> None:
    text = """
    backbones:
      mine: {title: mine, like: scenes-tiny, adapt: {steps: 7}, settings: {sampling: {height: 64}}}
    """
    config = read_config(merge(shipped(), yaml.safe_load(text)))
    mine, other = config.backbones["mine"], config.backbones["scenes-tiny"]
    assert (mine.path, mine.tiny_decoder, mine.title) == (other.path, other.tiny_decoder, "mine")
    assert mine.settings["sampling"] == {**other.settings["sampling"], "height": 64}
    assert mine.adapt is not None and mine.adapt.steps == 7 and other.adapt is None


def test_a_backbone_like_none_is_refused() -> None:
    for like, message in (("scenes-tny", r"backbones\.mine\.like: 'scenes-tny' .*did you mean 'scenes-tiny'"),
                          ("yours", r"'yours' is itself like 'scenes-tiny'")):  # fmt: skip
        over = {"backbones": {"mine": {"title": "m", "like": like}, "yours": {"title": "y", "like": "scenes-tiny"}}}
        with pytest.raises(InputError, match=message):
            read_config(merge(shipped(), over))
