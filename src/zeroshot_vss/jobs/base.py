"""What every job over clips is told: the clips and where they are."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from zeroshot_vss.datasets import Clip, DataSet, open_dataset
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.settings.base import Settings


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
