"""What every job is given: its files, its code, and, over clips, where they are.

A job names its own inputs and outputs, so that a rule hands it on as it is. Its key is all that its results depend
on: the workflow compares it with the key that finished results were made with.
"""

from __future__ import annotations

import hashlib
import json
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from zeroshot_vss.datasets import Clip, DataSet, open_dataset, options_of
from zeroshot_vss.machine.compute import Compute
from zeroshot_vss.provenance.code import check_code
from zeroshot_vss.settings.base import Settings


class Parts(Settings):
    """Manifests of a stage's jobs on a data set: `<folder>/<part>.json`."""

    folder: str
    parts: tuple[str, ...]

    def paths(self) -> list[str]:
        """The manifests."""
        return [f"{self.folder}/{part}.json" for part in self.parts]


class Job(Settings):
    """What every job is given."""

    stage: ClassVar[str]
    """Module of :mod:`zeroshot_vss.stages` that does it."""

    modules: tuple[str, ...] = ()
    """Its code: the modules of the stage and of what was chosen by name."""
    code: str = ""
    """Their digest when the job was planned."""
    versions: dict[str, str] | None = None
    """Versions of the libraries, where other ones are to make other results."""
    compute: Compute = Field(default=Compute(), exclude=True)
    """How to compute; changes no result, and is no part of the key."""

    @abstractmethod
    def inputs(self) -> list[str]:
        """Results of other jobs that it reads."""

    @abstractmethod
    def outputs(self) -> list[str]:
        """What it writes."""

    def listing(self) -> str | None:
        """Digest of names, sizes and times of what it reads beside results; None where that is part of the key."""
        return None

    def same_data(self) -> bool:
        """Whether what it reads beside results still holds what it held; asked where the listing differs."""
        return True

    def key(self) -> str:
        """Digest of all that the results depend on beside the contents of the inputs."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def check_code(self) -> None:
        """Refuse other code than was planned. Raises InputError."""
        if self.code:
            check_code(self.code, self.modules, f"stage {self.stage}")


class DataSetSpec(Settings):
    """A configured data set."""

    name: str
    kind: str
    options: dict[str, Any] = {}

    def open(self, clips: tuple[str, ...] | None = None) -> DataSet:
        """The data set, or these clips of it alone."""
        return open_dataset(self.kind, self.options, clips)

    def identity(self) -> dict[str, Any]:
        """The options that change what its clips are."""
        return options_of(self.kind, self.options).identity()


class ClipsJob(Job):
    """What every job over clips is given."""

    dataset: DataSetSpec
    clips: tuple[str, ...]

    def open(self) -> DataSet:
        """The data set with the job's clips."""
        return self.dataset.open(self.clips)

    def clip_key(self, clip: Clip, **more: Any) -> dict[str, Any]:
        """Key of a clip's result: stage, code, what stands for the clip, and what the stage adds."""
        identity = {"dataset": self.dataset.kind, "options": self.dataset.identity(), "clip": clip.name,
                    "frames": len(clip), "size": list(clip.size)}  # fmt: skip
        versions = {} if self.versions is None else {"versions": self.versions}
        return {"stage": self.stage, "code": self.code, "modules": list(self.modules), "clip": identity, **versions,
                **more}  # fmt: skip


class ResultsJob(ClipsJob):
    """A job that writes a result a clip and names them in its manifest."""

    manifest: str
    """JSON; the clips' files lie beside it."""

    def outputs(self) -> list[str]:
        return [self.manifest]


def read_job(kind: type[Any], text: str, compute: str = "{}") -> Any:
    """A job of a kind from its JSON and that of the compute settings."""
    values: Mapping[str, Any] = json.loads(text)
    return kind.model_validate({**values, "compute": json.loads(compute)})
