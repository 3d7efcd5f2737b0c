"""What the data sets have in common: options, the choice of clips, names that stay inside their root."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from zeroshot_vss.datasets.base import Clip, DataSet
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import check_name


class Options(BaseModel):
    """Options of every data set."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    limit: PositiveInt | None = None
    """Only the first clips, this many."""


class ListOptions(Options):
    """Options of data sets that know their clips."""

    clips: tuple[str, ...] | None = Field(default=None, min_length=1)
    """Only these clips, in this order."""
    exclude: tuple[str, ...] = ()
    """All but these clips: those with damaged files."""


class RootOptions(ListOptions):
    """Options of data sets that users fetch themselves."""

    root: Path | None = None
    """Folder of the data set."""


class NamedClips(DataSet):
    """A data set that knows the names of its clips from the start.

    Args:
        available: all names, in the data set's own order.
        options: which of them are kept: the wanted ones or all, without the excluded ones, then the first few.

    Raises:
        InputError: a name could leave the data set's folder, or a named clip does not exist.
    """

    def __init__(self, available: Iterable[str], options: ListOptions) -> None:
        names = list(dict.fromkeys(available))
        for name in names:
            check_name(name, f"data set {self.name!r}")
        self._names = names
        for name in (*(options.clips or ()), *options.exclude):
            self._require(name)
        wanted = names if options.clips is None else dict.fromkeys(options.clips)
        self._names = [name for name in wanted if name not in options.exclude][: options.limit]

    def clips(self) -> list[str]:
        return list(self._names)

    def clip(self, name: str) -> Clip:
        self._require(name)
        return self._open(name)

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
    root = root.expanduser()
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
