"""transformers' Mask2Former, frame by frame."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from zeroshot_vss.datasets.base import VOID, Frames, Legend
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Weights
from zeroshot_vss.segmenters.folder import find_segmenter
from zeroshot_vss.settings.segmenter import Segmenter


def class_table(
    labels: Sequence[str], legend: Legend, names: dict[str, str | None], method: str
) -> NDArray[np.uint8]:
    """The data set's id of each of the network's classes, [classes] uint8.

    Args:
        labels: the network's names of its classes, by id.
        legend: the data set's.
        names: the data set's name of those classes that it calls otherwise; None for those that it does not have,
            whose pixels become VOID (and so a miss, where they are scored).
        method: named in messages.

    Raises:
        InputError: a class has no counterpart, or `names` holds one that is neither the network's nor the data set's.
    """
    ids = {name.lower(): index for index, name in enumerate(legend.names)}
    known = ", ".join(legend.names)
    if unknown := [name for name in names if name not in labels]:
        raise InputError(
            f"methods: {method}: segmenter: names: the network has no class {unknown[0]!r}; "
            f"known: {', '.join(labels)}"
        )
    table = []
    for label in labels:
        name = names.get(label, label)
        if name is not None and name.lower() not in ids:
            raise InputError(
                f"methods: {method}: segmenter: the data set has no class {name!r}; say under names which class "
                f"{label!r} is, or null for none; known: {known}"
            )
        table.append(VOID if name is None else ids[name.lower()])
    return np.array(table, np.uint8)


class FrameSegmenter:
    """Mask2Former, loaded.

    Args:
        weights: where it is.
        settings: how it is run.
        legend: classes of the data set.
        device: where it runs, in single precision.

    Raises:
        InputError: files are missing or damaged, or its classes are not those of the data set.
    """

    def __init__(self, weights: Weights, settings: Segmenter, legend: Legend, device: torch.device) -> None:
        from transformers import AutoImageProcessor, Mask2FormerForUniversalSegmentation

        folder = find_segmenter(weights).path
        kind = _architecture(folder)
        if kind != Mask2FormerForUniversalSegmentation.__name__:
            raise InputError(
                f"method '{weights.name}': {folder}/config.json is of a {kind}, expected a "
                f"{Mask2FormerForUniversalSegmentation.__name__}"
            )
        try:
            self.model: Any = Mask2FormerForUniversalSegmentation.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
            )
            self.processor: Any = AutoImageProcessor.from_pretrained(folder, local_files_only=True, backend="pil")
        except Exception as error:  # transformers raises many kinds, depending on where a damaged file gives way
            raise InputError(
                f"method '{weights.name}': {folder} cannot be loaded ({str(error).splitlines()[0]}); get it again"
            ) from error
        self.model = self.model.eval().requires_grad_(False).to(device)
        labels = [self.model.config.id2label[i] for i in range(self.model.config.num_labels)]
        self.table = class_table(labels, legend, settings.names, weights.name)
        self.size = None if settings.size is None else {"height": settings.size[0], "width": settings.size[1]}
        self.device = device

    @torch.inference_mode()
    def maps(self, frames: Frames) -> NDArray[np.uint8]:
        """Ids of the data set's classes [n, H, W] for [n, H, W, 3] frames.

        The score of a class is the sum over queries of its probability times the query's mask (Cheng et al., CVPR
        2022), at the frames' size. The library's own post-processing takes the masks through 384 x 384 pixels first.
        """
        resized = {} if self.size is None else {"size": self.size}
        inputs = self.processor(images=list(frames), return_tensors="pt", **resized)
        out = self.model(pixel_values=inputs["pixel_values"].to(self.device))
        masks = F.interpolate(out.masks_queries_logits, inputs["pixel_values"].shape[-2:], mode="bilinear")
        classes = out.class_queries_logits.softmax(-1)[..., :-1]  # the last is "no object"
        scores = torch.einsum("nqc,nqhw->nchw", classes, masks.sigmoid())
        scores = F.interpolate(scores, frames.shape[1:3], mode="bilinear")
        return self.table[scores.argmax(1).cpu().numpy()]


def _architecture(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text())["architectures"][0])
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{folder}/config.json is no configuration of a network ({error!r})") from error
