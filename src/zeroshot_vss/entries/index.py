"""`model-index.yml` in a folder of predictions: whose they are, what for, and SHA-256 of every label map.

Names of fields are those of Hugging Face's model cards where these have the thing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, ConfigDict, Field

from zeroshot_vss.config.validation import validated
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.metrics.protocols import PROTOCOLS
from zeroshot_vss.settings.base import Settings

FILE = "model-index.yml"
TASK = "video-semantic-segmentation"


def _inside(name: str) -> str:
    """Refuse names of files that could lie elsewhere."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not name.endswith(".png"):
        raise ValueError(f"{name!r} is no label map of the folder; expected <clip>/<frame>.png")
    return name


Word = Annotated[str, Field(min_length=1)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 in hexadecimal digits."""
Digests = dict[Annotated[str, AfterValidator(_inside)], Digest]
"""Label maps by their place in the folder, with `/`."""


class Task(Settings):
    """What was predicted."""

    type: Word = TASK
    """Kind of the task."""


class IndexedData(Settings):
    """What the predictions are for."""

    name: Word
    """The kind of the data set (vspw, camvid, ...), or its name in the configuration."""
    split: Word | None = None
    """Part of the data set; None where it has none."""
    protocol: Annotated[str, AfterValidator(PROTOCOLS.known)]
    """How they are meant to be scored, by name."""


class StatedMetric(Settings):
    """A figure that the entrants state."""

    type: Word
    """Which figure: `miou`."""
    value: float
    """As they print it."""


class Result(Settings):
    """One set of predictions."""

    task: Task = Task()
    """What was predicted."""
    dataset: IndexedData
    """What for."""
    metrics: tuple[StatedMetric, ...] = ()
    """Figures that the entrants state. Those of the leaderboard are scored anew."""


class IndexedModel(Settings):
    """The system."""

    name: Word
    """Of the system."""
    results: Annotated[tuple[Result, ...], Field(min_length=1, max_length=1)]
    """One: a folder holds one set of predictions."""


class Entry(Settings):
    """What is said of predictions."""

    model_config = ConfigDict(populate_by_name=True)

    model_index: Annotated[tuple[IndexedModel, ...], Field(alias="model-index", min_length=1, max_length=1)]
    """One system."""
    paper: Word | None = None
    """Where it is described."""
    url: Word | None = None
    """Where it is to be had."""
    license: Word | None = None
    """Of the predictions."""
    hardware: Word | None = None
    """What they were computed on."""

    @property
    def name(self) -> str:
        """Of the system."""
        return self.model_index[0].name

    @property
    def result(self) -> Result:
        """The one set of predictions."""
        return self.model_index[0].results[0]


class ModelIndex(Entry):
    """The whole file."""

    files: Annotated[Digests, Field(min_length=1)]
    """SHA-256 of every label map."""


class Purpose(Settings):
    """What a row scores predictions as."""

    where: str
    """The row in the configuration, for messages."""
    names: tuple[str, ...]
    """Names of its data set; the kind last."""
    split: str | None = None
    """None where the data set has none."""
    protocol: str
    """How it is scored."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # pyright: ignore[reportGeneralTypeIssues]
    """YAML in which no key may stand twice in a mapping. LibYAML's, where it is there: an index may be long."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen if isinstance(key, yaml.ScalarNode) else False:
                raise yaml.MarkedYAMLError(problem=f"the key '{key.value}' stands twice", problem_mark=key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


def read_index(folder: Path) -> ModelIndex | None:
    """What a folder of predictions says of itself; None where it has no `model-index.yml`.

    Raises:
        InputError: naming the file and each wrong key and value; or it is no YAML.
    """
    path = folder / FILE
    if not path.exists():
        return None
    status = path.stat()
    return _read(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int) -> ModelIndex:
    try:
        values = yaml.load(path.read_text("utf-8"), _Loader)
    except RecursionError as error:
        raise InputError(f"{path} cannot be read (it is nested too deeply)") from error
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read ({reason}); {_again(path.parent)}") from error
    return validated(ModelIndex, values, str(path))


def write_index(folder: Path, index: ModelIndex) -> Path:
    """Write `model-index.yml`, whole or not at all; returns its path."""
    values = index.model_dump(mode="json", by_alias=True, exclude_none=True)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    text = yaml.dump(values, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1000)
    with replacing(folder / FILE) as partial:
        partial.write_text(text, encoding="utf-8")
    return folder / FILE


def check_purpose(folder: Path, index: Entry, purpose: Purpose) -> None:
    """Refuse predictions that were made for something else than the row scores.

    Raises:
        InputError: naming the file, its value, the row's, and what to do.
    """
    data = index.result.dataset
    kind = purpose.names[-1]
    for what, stored, known, option in (
        ("data set", data.name, purpose.names, f"--data-set {kind}"),
        ("split", data.split, (purpose.split,), f"--split {purpose.split}"),
        ("protocol", data.protocol, (purpose.protocol,), f"--protocol {purpose.protocol}"),
    ):
        # A split that one of the two does not say is not compared.
        if stored is not None and known != (None,) and stored not in known:
            raise InputError(
                f"{folder / FILE}: the predictions are for {what} '{stored}', but {purpose.where} scores {what} "
                f"'{known[0]}'; name the folder of its predictions, or, if these are, index them with {option}"
            )


def total_digest(files: Mapping[str, str]) -> str:
    """SHA-256 over lines of digest, two blanks and name, by name: what `sha256sum` prints of the files."""
    return hashlib.sha256("".join(f"{files[name]}  {name}\n" for name in sorted(files)).encode()).hexdigest()


def _again(folder: Path) -> str:
    return f"write it with `python -m zeroshot_vss index {folder} ...`"
