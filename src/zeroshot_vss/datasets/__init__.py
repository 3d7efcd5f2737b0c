"""Data sets by name. A new one is a file with an options model and a reader, and a line in DATASETS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from zeroshot_vss.datasets.base import VOID, Clip, DataSet, Frames, LabelMap, Legend
from zeroshot_vss.datasets.options import Options
from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import Registry, did_you_mean

__all__ = [
    "DATASETS",
    "VOID",
    "Clip",
    "DataSet",
    "Frames",
    "LabelMap",
    "Legend",
    "open_dataset",
    "options_of",
]

DATASETS = Registry(
    "data set",
    {
        "scenes": "zeroshot_vss.datasets.scenes:Scenes",
        "vspw": "zeroshot_vss.datasets.vspw:Vspw",
        "cityscapes": "zeroshot_vss.datasets.cityscapes:Cityscapes",
        "camvid": "zeroshot_vss.datasets.camvid:CamVid",
        "camvid-32": "zeroshot_vss.datasets.camvid32:CamVid32",
        "davis": "zeroshot_vss.datasets.davis:Davis",
        "clvos": "zeroshot_vss.datasets.clvos:Clvos",
        "scenes-objects": "zeroshot_vss.datasets.scenes_objects:SceneObjects",
        "user": "zeroshot_vss.datasets.user:UserClips",
    },
)
"""Readers, classes of :class:`zeroshot_vss.datasets.options.NamedClips`, by the name of the kind."""


def options_of(name: str, options: Mapping[str, object]) -> Options:
    """The validated options of a reader.

    Raises:
        InputError: the name or an option is not known, or an option has a wrong value.
    """
    model = DATASETS.load(name).Options
    try:
        return model.model_validate(dict(options))
    except ValidationError as error:
        raise InputError(_message(name, error, model)) from error


def open_dataset(name: str, options: Mapping[str, object], clips: Iterable[str] | None = None) -> DataSet:
    """Open a data set.

    Args:
        name: one of DATASETS.
        options: fields of the data set's options model.
        clips: open it with these clips alone, whatever else the options choose.

    Raises:
        InputError: the name or an option is not known, an option has a wrong value, or the data set is not there.
    """
    chosen = options_of(name, options)
    return DATASETS.load(name)(chosen if clips is None else chosen.choosing(tuple(clips)))


def _message(name: str, error: ValidationError, model: type[Options]) -> str:
    faults = []
    for fault in error.errors():
        key = ".".join(str(part) for part in fault["loc"])
        if fault["type"] == "extra_forbidden":
            hint = did_you_mean(key, model.model_fields)
            faults.append(f"option {key!r} is not known{hint}; known are {', '.join(model.model_fields)}")
        elif fault["type"] == "missing":
            faults.append(f"option {key!r} is missing")
        else:
            faults.append(f"option {key!r} is {fault['input']!r}: {fault['msg']}")
    return f"data set {name!r}: {'; '.join(faults)}"
