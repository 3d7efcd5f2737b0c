"""What a job is told: the clips, where they are, and the settings of its stage."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.compute import Compute
from zeroshot_vss.datasets import Clip, DataSet, open_dataset
from zeroshot_vss.settings import Baseline, ContextModel, Correspondence, Features, Segmenter, Settings, Upsampling


class DataSetSpec(Settings):
    """A configured data set."""

    name: str
    kind: str
    options: dict[str, Any] = {}

    def open(self) -> DataSet:
        """The data set."""
        return open_dataset(self.kind, self.options)


class Job(Settings):
    """What every job over clips is told."""

    dataset: DataSetSpec
    clips: tuple[str, ...]
    compute: Compute = Compute()

    def identity(self, clip: Clip) -> dict[str, Any]:
        """What stands for the clip's content in the keys of results."""
        options = {k: v for k, v in self.dataset.options.items() if k not in ("limit", "clips", "count", "root")}
        return {"dataset": self.dataset.kind, "options": options, "clip": clip.name,
                "frames": len(clip), "size": list(clip.size)}  # fmt: skip


_J = TypeVar("_J", bound=Job)


def read_job(kind: type[_J], told: str, compute: str) -> _J:
    """A job from its JSON and that of the compute settings."""
    return kind.model_validate({**json.loads(told), "compute": json.loads(compute)})


class CheckJob(Job):
    """A job that reads every frame and mask once."""


class ModelJob(Job):
    """A job that runs a backbone."""

    backbone: BackboneSpec
    weights: str
    """Cheap digest of the backbone's files, so that exchanged weights are noticed."""


class FeaturesJob(ModelJob):
    """A job of the feature stage."""

    settings: Features


class CorrespondenceJob(Job):
    """A job of the correspondence stage."""

    settings: Correspondence
    features: Features


class CoarseJob(Job):
    """A job of the coarse stage."""

    settings: ContextModel
    features: Features
    refinement: Correspondence | None
    assigned: bool = True
    """False leaves the clusters without labels, for the figure that shows both."""


class UpsampleJob(ModelJob):
    """A job of the upsampling stage."""

    settings: Upsampling


class BaselineJob(Job):
    """A job of a method without a diffusion model."""

    settings: Baseline


class SegmenterJob(Job):
    """A job of a supervised network."""

    method: str
    settings: Segmenter
    weights: str
    """Cheap digest of the network's files."""


class ScoreJob(Job):
    """The scores of a row over all clips of a data set."""

    protocol: str
    classes: int | None
    """Number of classes where the protocol leaves it open."""


class PredictionsJob(ScoreJob):
    """The scores of another system's predictions."""

    folder: str
    listing: str
    """Cheap digest of the folder's files."""


class OverlayJob(Job):
    """The pictures of a user's clip."""

    fps: float | None
    opacity: float


class OverviewJob(Job):
    """The overview figure: the first clips of a data set."""

    frames: tuple[int, ...]
    titles: tuple[str, ...]
    """Of the methods, in the order of their columns."""
