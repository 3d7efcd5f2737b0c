"""The files of a supervised network: where they are and their digest. Imports no torch."""

from __future__ import annotations

from typing import ClassVar

from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Part, Weights, local_folder, parts_digest
from zeroshot_vss.settings.segmenter import Segmenter

NEEDS = ("config.json", "preprocessor_config.json")
HUB_FILES = ("*.json", "*.safetensors")
"""What is fetched of a hub repository."""


class SegmenterWeights(Weights):
    """Where the network is: a folder in transformers' format, or a repository of the hub."""

    what: ClassVar[str] = "method"
    where: ClassVar[str] = "methods: {name}: segmenter"


def weights_of(name: str, settings: Segmenter) -> SegmenterWeights:
    """Where the network of the method `name` is."""
    return SegmenterWeights(name=name, **settings.model_dump(include={"path", "revision", "download"}))


def find_segmenter(weights: Weights) -> Part:
    """The files of a network.

    Raises:
        InputError: files are missing or damaged; the message says which.
    """
    part = Part(local_folder(weights, HUB_FILES), NEEDS)
    if missing := [name.removeprefix(f"{part.path.name}/") for name in part.missing()]:
        raise InputError(
            f"method '{weights.name}': {part.path} lacks {', '.join(missing)}; it must be a folder of transformers' "
            "Mask2FormerForUniversalSegmentation"
        )
    part.check(f"method '{weights.name}'")
    return part


def segmenter_digest(weights: Weights) -> str:
    """Digest of every byte that loading a network can read.

    Raises:
        InputError: as :func:`find_segmenter`.
    """
    return parts_digest({"network": find_segmenter(weights)})
