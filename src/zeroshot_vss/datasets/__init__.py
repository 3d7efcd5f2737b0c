"""Data sets by name. A new one is a file with an options model and a class, and a line in DATASETS."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from zeroshot_vss.datasets.base import VOID, Clip, DataSet, Frames, LabelMap, Legend
from zeroshot_vss.datasets.camvid import CamVid, CamVidOptions
from zeroshot_vss.datasets.camvid32 import CamVid32, CamVid32Options
from zeroshot_vss.datasets.cityscapes import Cityscapes, CityscapesOptions
from zeroshot_vss.datasets.clvos import Clvos, ClvosOptions
from zeroshot_vss.datasets.davis import Davis, DavisOptions
from zeroshot_vss.datasets.folder import FolderClip
from zeroshot_vss.datasets.options import Options
from zeroshot_vss.datasets.scenes import Scenes, ScenesOptions
from zeroshot_vss.datasets.scenes_objects import SceneObjects, SceneObjectsOptions
from zeroshot_vss.datasets.user import UserClips, UserOptions
from zeroshot_vss.datasets.vspw import Vspw, VspwOptions
from zeroshot_vss.errors import InputError

__all__ = [
    "DATASETS",
    "VOID",
    "Clip",
    "DataSet",
    "Entry",
    "FolderClip",
    "Frames",
    "LabelMap",
    "Legend",
    "open_dataset",
]

_O = TypeVar("_O", bound=Options)


@dataclass(frozen=True)
class Entry(Generic[_O]):
    """A data set that can be opened by name."""

    options: type[_O]
    """Its part of the configuration."""
    open: Callable[[_O], DataSet]


DATASETS: dict[str, Entry[Any]] = {
    "scenes": Entry(ScenesOptions, Scenes),
    "vspw": Entry(VspwOptions, Vspw),
    "cityscapes": Entry(CityscapesOptions, Cityscapes),
    "camvid": Entry(CamVidOptions, CamVid),
    "camvid-32": Entry(CamVid32Options, CamVid32),
    "davis": Entry(DavisOptions, Davis),
    "clvos": Entry(ClvosOptions, Clvos),
    "scenes-objects": Entry(SceneObjectsOptions, SceneObjects),
    "user": Entry(UserOptions, UserClips),
}


def open_dataset(name: str, options: Mapping[str, object]) -> DataSet:
    """Open a data set.

    Args:
        name: one of DATASETS.
        options: fields of the data set's options model.

    Raises:
        InputError: the name or an option is not known, an option has a wrong value, or the data set is not there.
    """
    if name not in DATASETS:
        raise InputError(f"there is no data set {name!r}; known are {', '.join(DATASETS)}")
    entry = DATASETS[name]
    try:
        checked = entry.options.model_validate(dict(options))
    except ValidationError as error:
        raise InputError(_words(name, error, entry.options)) from error
    return entry.open(checked)


def _words(name: str, error: ValidationError, model: type[Options]) -> str:
    faults = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            faults.append(f"option {key!r} is not known; known are {', '.join(model.model_fields)}")
        elif fault["type"] == "missing":
            faults.append(f"option {key!r} is missing")
        else:
            faults.append(f"option {key!r} is {fault['input']!r}: {fault['msg']}")
    return f"data set {name!r}: {'; '.join(faults)}"
