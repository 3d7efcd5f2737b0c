"""What the data sets have in common: options, the choice of clips, names that stay inside their root."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from zeroshot_vss.datasets.base import Clip, DataSet
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import check_name
from zeroshot_vss.io.places import full_path


def selects(default: Any = None, **limits: Any) -> Any:
    """An option that chooses among the clips and leaves each clip what it is."""
    return Field(default=default, json_schema_extra={"role": "selects"}, **limits)


def place(default: Any = None, **limits: Any) -> Any:
    """An option that says where the files are, not what they hold."""
    return Field(default=default, json_schema_extra={"role": "place"}, **limits)


class Options(BaseModel):
    """Options of every data set.

    Each option says what it does: it chooses clips (`selects`), says where they are (`place`), or, all others,
    changes what a clip is. Only the last are part of a clip's identity.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: PositiveInt | None = selects()
    """Only the first clips, this many."""

    @classmethod
    def _role(cls, name: str) -> str | None:
        extra = cls.model_fields[name].json_schema_extra
        return str(extra.get("role")) if isinstance(extra, dict) else None

    def identity(self) -> dict[str, Any]:
        """The options that change what a clip is, where they differ from their defaults."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in chosen.items() if self._role(name) is None}

    def job_options(self) -> dict[str, Any]:
        """What a job must know to open single clips: all but what chooses among them."""
        chosen = self.model_dump(mode="json", exclude_defaults=True)
        return {name: value for name, value in chosen.items() if self._role(name) != "selects"}

    def everything(self) -> Options:
        """The same without any choice among the clips."""
        kept = {name: getattr(self, name) for name in self.model_fields_set if self._role(name) != "selects"}
        return type(self)(**kept)

    def choosing(self, clips: tuple[str, ...]) -> Options:
        """The same with these clips alone.

        Raises:
            ValueError: in data sets that cannot choose.
        """
        raise ValueError(f"{type(self).__name__} cannot choose {clips}")


class ListOptions(Options):
    """Options of data sets that know their clips."""

    clips: tuple[str, ...] | None = selects(min_length=1)
    """Only these clips, in this order."""
    exclude: tuple[str, ...] = selects(())
    """All but these clips: those with damaged files."""

    def choosing(self, clips: tuple[str, ...]) -> Options:
        return self.everything().model_copy(update={"clips": clips})


class RootOptions(ListOptions):
    """Options of data sets that users fetch themselves."""

    root: Path | None = place()
    """Folder of the data set."""


class NamedClips(DataSet):
    """A data set that knows the names of its clips from the start; opened with its options alone.

    Args:
        available: all names, in the data set's own order.
        options: which of them are kept: the wanted ones or all, without the excluded ones, then the first few.

    Raises:
        InputError: a name could leave the data set's folder, or a named clip does not exist.
    """

    Options: ClassVar[type[Options]]
    """Model of the reader's part of the configuration."""

    def __init__(self, available: Iterable[str], options: ListOptions) -> None:
        names = list(dict.fromkeys(available))
        self._positions = {name: index for index, name in enumerate(names)}
        for name in names:
            check_name(name, f"data set {self.name!r}")
        self._names = names
        for name in (*(options.clips or ()), *options.exclude):
            self._require(name)
        wanted = names if options.clips is None else dict.fromkeys(options.clips)
        self._names = [name for name in wanted if name not in options.exclude][: options.limit]

    def clips(self) -> list[str]:
        return list(self._names)

    def position(self, name: str) -> int:
        """Place of a clip among all that there are, whichever are chosen: jobs are made up by it."""
        return self._positions[name]

    def clip(self, name: str) -> Clip:
        self._require(name)
        return self._open(name)

    def files(self, name: str) -> Sequence[Path]:
        """Every file that a clip is read from; no image is decoded."""
        return self.clip(name).files()

    @abstractmethod
    def _open(self, name: str) -> Clip:
        """Open a clip that is known to exist."""

    def _require(self, name: str) -> None:
        if name not in self._names:
            some = ", ".join(self._names[:5]) + (", ..." if len(self._names) > 5 else "")
            raise InputError(f"data set {self.name!r}: there is no clip {name!r} among {len(self._names)} ({some})")


def find_root(root: Path | None, key: str, get: str) -> Path:
    """The folder of a data set.

    Args:
        root: as configured.
        key: the data set's name in the configuration.
        get: how to get the data set, for the message.

    Raises:
        InputError: `root` is not set or no folder; the message says what to get and what to set.
    """
    advice = f"{get}, then set its folder in the configuration ({root_key(key)})"
    if root is None:
        raise InputError(f"data set {key!r}: no root is set; {advice}")
    root = full_path(root)
    if not root.is_dir():
        raise InputError(f"data set {key!r}: there is no folder {root}; {advice}")
    return root


def root_key(key: str) -> str:
    """Where the configuration holds the folder of a data set, for messages."""
    return f"`datasets: {key}: options: root:`"


def read_list(path: Path) -> list[str]:
    """The lines of a list of names, without blank ones.

    Raises:
        InputError: the file is no text or names nothing.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"list {path} cannot be read ({error})") from error
    entries = [line.strip() for line in lines if line.strip()]
    if not entries:
        raise InputError(f"list {path} names no clip")
    return entries
