"""Scoring clips: predictions held in memory, or a folder of PNG files that any other system wrote."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from zeroshot_vss.datasets.base import VOID, Clip, DataSet, LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.predictions import Predictions, pixels
from zeroshot_vss.metrics.base import check_ids
from zeroshot_vss.metrics.protocols.base import Figures, Protocol, clip_figures, pool
from zeroshot_vss.metrics.scores import ClipScores


def score_clip(
    clip: Clip, predictions: Callable[[int], LabelMap], protocol: Protocol, allow_unlabelled: bool = True
) -> ClipScores:
    """Score a clip frame by frame.

    Args:
        clip: a clip with ground truth; frames without are passed over.
        predictions: from the index of a frame to uint8 [H, W] of the clip's size; asked for once for each annotated
            frame, in order.
        protocol: the rules.
        allow_unlabelled: whether predictions may hold VOID, where the method could not label a pixel. It is a miss.

    Raises:
        InputError: naming clip and frame, where truth or prediction holds an id that is no class or has another size
            than the clip; or the clip has no ground truth.
    """
    metrics = protocol.metrics(protocol.classes)
    annotated = 0
    for index in range(len(clip)):
        where = f"clip '{clip.name}', frame {clip.frame_name(index)}"
        truth = clip.labels(index)
        prediction = None
        if truth is not None:
            annotated += 1
            prediction = predictions(index)
            for ids, what in ((truth, "ground truth"), (prediction, "prediction")):
                if ids.shape != clip.size:
                    raise InputError(f"{where}: the {what} is {pixels(ids.shape)}, the clip {pixels(clip.size)}")
            if protocol.relabel is not None:
                truth, prediction = _relabel(truth, prediction, protocol.relabel, allow_unlabelled)
            check_ids(truth, protocol.classes, "ground truth", where, void=True)
            check_ids(prediction, protocol.classes, "prediction", where, void=allow_unlabelled)
        for metric in metrics:
            metric.update(truth, prediction, where)
    if annotated == 0:
        raise InputError(f"clip '{clip.name}': no frame has ground truth, so it cannot be scored")
    arrays = {name: values for metric in metrics for name, values in metric.arrays().items()}
    return ClipScores(clip.name, protocol.name, annotated, arrays)


def _relabel(
    truth: LabelMap, prediction: LabelMap, relabel: Callable[[LabelMap], LabelMap], allow_unlabelled: bool
) -> tuple[LabelMap, LabelMap]:
    relabelled = relabel(prediction)
    if allow_unlabelled:
        relabelled = np.where(prediction == VOID, np.uint8(VOID), relabelled)
    return relabel(truth), relabelled


def score_folder(
    dataset: DataSet, predictions: Path, protocol: Protocol, allow_unlabelled: bool = False
) -> tuple[list[ClipScores], Figures]:
    """Score `<predictions>/<clip>/<frame>.png` for all clips of a data set.

    See :class:`zeroshot_vss.io.predictions.Predictions`.

    Args:
        dataset: a data set with ground truth.
        predictions: the folder.
        protocol: the rules.
        allow_unlabelled: see `score_clip`.

    Returns:
        The scores of each clip and the figures over all of them.

    Raises:
        InputError: naming the file, where a prediction is missing, is no mask or has another size than the clip, or
            there are two of a frame; naming clip and frame, where it holds an id that is no class.
    """
    reader = Predictions(dataset, predictions)
    clips = map(dataset.clip, dataset.clips())
    scores = [score_clip(clip, partial(reader.read, clip), protocol, allow_unlabelled) for clip in clips]
    return scores, pool(scores)


def write_scores(
    path: Path, pooled: Figures, clips: Sequence[ClipScores], attributes: Mapping[str, Sequence[str]] | None = None
) -> None:
    """Write the pooled figures as JSON to `path` and one row a clip as CSV beside it, each whole or not at all.

    Args:
        path: ends in .json; undefined figures become null there and empty cells in the .csv.
        pooled: from `pool`.
        clips: the clips pooled.
        attributes: what the data set says of each clip, a column of their own in the .csv where there are any.

    Raises:
        InputError: the path ends otherwise.
    """
    if path.suffix != ".json":
        raise InputError(f"{path}: scores are written to a .json file and a .csv beside it; name one ending in .json")
    rows: list[dict[str, object]] = [{"clip": c.clip, "frames": c.frames, **clip_figures(c)} for c in clips]
    if attributes:
        for row in rows:
            row["attributes"] = " ".join(attributes.get(str(row["clip"]), ()))
    with replacing(path.with_suffix(".csv")) as partial:
        pd.DataFrame(rows).to_csv(partial, index=False)
    figures = {name: None if isinstance(x, float) and math.isnan(x) else x for name, x in pooled.items()}
    with replacing(path) as partial:
        partial.write_text(json.dumps(figures, indent=2, allow_nan=False) + "\n", encoding="utf-8")
