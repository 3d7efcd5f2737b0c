"""The files of a supervised network: where they are and their digest. Imports no torch."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Weights, local_folder, quick_digest
from zeroshot_vss.settings.segmenter import Segmenter

FILES = ("config.json", "preprocessor_config.json", "*.safetensors")


class SegmenterWeights(Weights):
    """Where the network is: a folder in transformers' format, or a repository of the hub."""

    what: ClassVar[str] = "method"
    where: ClassVar[str] = "methods: {name}: segmenter"


def weights_of(name: str, settings: Segmenter) -> SegmenterWeights:
    """Where the network of the method `name` is."""
    return SegmenterWeights(name=name, **settings.model_dump(include={"path", "revision", "download"}))


def find_segmenter(weights: Weights) -> Path:
    """The local folder of a network.

    Raises:
        InputError: files are missing; the message says which.
    """
    folder = local_folder(weights, FILES)
    if missing := [pattern for pattern in FILES if not any(folder.glob(pattern))]:
        raise InputError(
            f"method '{weights.name}': {folder} lacks {', '.join(missing)}; it must be a folder of transformers' "
            "Mask2FormerForUniversalSegmentation"
        )
    return folder


def segmenter_digest(weights: Weights) -> str:
    """A cheap digest that changes when the network's files are exchanged."""
    folder = find_segmenter(weights)
    return quick_digest(folder, sorted({path for pattern in FILES for path in folder.glob(pattern)}))
