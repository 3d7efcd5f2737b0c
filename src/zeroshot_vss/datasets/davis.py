"""DAVIS 2016 and 2017 at 480p, https://davischallenge.org (Perazzi et al., CVPR 2016; Pont-Tuset et al., 2017)."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Literal

import yaml

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.datasets.folder import FolderClip
from zeroshot_vss.datasets.objects import MOST_OBJECTS, OBJECTS, ONE_OBJECT, object_legend
from zeroshot_vss.datasets.options import NamedClips, RootOptions, find_root, read_list, root_key
from zeroshot_vss.errors import InputError

RESOLUTION = "480p"


class DavisOptions(RootOptions):
    """Options of DAVIS; `root` is `DAVIS` or the folder that holds it."""

    year: Literal[2016, 2017] = 2017
    """2016 has one object a sequence, 2017 several. The archive of 2017 serves both."""
    split: Literal["train", "val"] = "val"


class Davis(NamedClips):
    """Sequences at 24 frames a second, every frame with the masks of its objects."""

    name = "davis"
    Options = DavisOptions

    def __init__(self, options: DavisOptions) -> None:
        get = "get DAVIS-2017-trainval-480p.zip (or 2016's DAVIS-data.zip) from https://davischallenge.org"
        root = find_root(options.root, self.name, get)
        self._root = root / "DAVIS" if (root / "DAVIS").is_dir() else root
        self._single = options.year == 2016
        self.protocol = f"davis-{options.year}"
        # The archive of 2016 calls the folder of its lists by the resolution, that of 2017 by the year.
        folders = (str(options.year), RESOLUTION) if self._single else (str(options.year),)
        lists = [self._root / "ImageSets" / folder / f"{options.split}.txt" for folder in folders]
        list_file = next((path for path in lists if path.is_file()), None)
        if list_file is None:
            raise InputError(f"data set 'davis': there is no list {lists[0]}; {get}, {root_key(self.name)}")
        super().__init__(_sequences(list_file), options)
        self.legend = object_legend(1 if self._single else MOST_OBJECTS)

    def attributes(self) -> dict[str, tuple[str, ...]]:
        """The attributes that 2016's `db_info.yml` gives each sequence; nothing where the archive has no such file.

        Raises:
            InputError: the file is not as DAVIS has it.
        """
        path = self._root / "db_info.yml"
        if not path.is_file():
            return {}
        try:
            listed = yaml.safe_load(path.read_text("utf-8"))["sequences"]
            return {str(entry["name"]): tuple(map(str, entry["attributes"])) for entry in listed}
        except (OSError, UnicodeDecodeError, yaml.YAMLError, LookupError, TypeError) as error:
            raise InputError(
                f"data set 'davis': {path} does not list `sequences` with `name` and `attributes` ({error}); "
                "fetch it again, or remove it"
            ) from error

    def _open(self, name: str) -> Clip:
        frames, masks = (self._root / kind / RESOLUTION / name for kind in ("JPEGImages", "Annotations"))
        ids = ONE_OBJECT if self._single else OBJECTS
        return FolderClip(name, frames, masks=masks, ids=ids, consecutive=True, complete=True)


def _sequences(path: Path) -> list[str]:
    """Names of the sequences of a list: one a line, or that of the frame's folder in lines of `<frame> <mask>`."""
    names = []
    for line in read_list(path):
        entry = line.split()[0]
        frame = PurePosixPath(entry)
        if len(frame.parts) == 1:
            names.append(entry)
            continue
        if ".." in frame.parts or frame.parts[-4:-2] != ("JPEGImages", RESOLUTION):
            raise InputError(
                f"data set 'davis': list {path}, entry {entry!r}: expected the name of a sequence or a frame, "
                f"as /JPEGImages/{RESOLUTION}/bear/00000.jpg"
            )
        names.append(frame.parent.name)
    return names
