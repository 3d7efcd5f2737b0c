"""Label maps that another system wrote: a folder of PNG files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from zeroshot_vss.datasets.base import Clip, DataSet, LabelMap
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.images import read_mask

Locate = Callable[[Clip, int], Path]
"""The file of a prediction, from the clip and the index of the frame."""


class Predictions:
    """`<folder>/<clip>/<frame>.png` for the clips of a data set.

    `<frame>` is the name of the data set's frame; files of frames without ground truth are not needed, further files
    are not looked at. Files are PNGs of mode L or P that hold ids. Where the name of a frame is that of no other
    clip's (`DataSet.unique_frames`), any `<frame>*.png` below the folder will do, as Cityscapes' evaluation has it.

    Args:
        dataset: whose clips they are of.
        folder: the folder.

    Raises:
        InputError: a clip has none.
    """

    def __init__(self, dataset: DataSet, folder: Path) -> None:
        self._locate = _anywhere(folder) if dataset.unique_frames else _in_folders(folder, dataset.clips())

    def read(self, clip: Clip, index: int) -> LabelMap:
        """The prediction of a frame, uint8 [H, W].

        Raises:
            InputError: naming the file, where it is missing, is no mask or has another size than the clip, or there
                are two.
        """
        where, path = f"clip '{clip.name}'", self._locate(clip, index)
        ids = read_mask(path, f"{where}, predictions")
        if ids.shape != clip.size:
            raise InputError(
                f"{where}: the prediction {path} is {pixels(ids.shape)}, the frames {pixels(clip.size)}; "
                "predictions are scored at the frames' own size"
            )
        return ids


def pixels(size: tuple[int, ...]) -> str:
    """Width x height, the usual order in words."""
    return " x ".join(str(side) for side in reversed(size)) + " pixels"


def _in_folders(predictions: Path, names: Sequence[str]) -> Locate:
    """`<predictions>/<clip>/<frame>.png`."""
    missing = [name for name in names if not (predictions / name).is_dir()]
    if missing:
        raise InputError(
            f"{predictions}: there is no folder of predictions for {len(missing)} of {len(names)} clips, "
            f"the first is '{missing[0]}'; expected <folder>/<clip>/<frame>.png"
        )

    def locate(clip: Clip, index: int) -> Path:
        path = predictions / clip.name / f"{clip.frame_name(index)}.png"
        if not path.is_file():
            raise InputError(
                f"clip '{clip.name}': the prediction {path} is missing; expected one PNG for each annotated frame"
            )
        return path

    return locate


def _anywhere(predictions: Path) -> Locate:
    """`<frame>*.png`, anywhere below the folder."""
    paths = sorted(predictions.rglob("*.png"))

    def locate(clip: Clip, index: int) -> Path:
        name = clip.frame_name(index)
        matches = [path for path in paths if path.name.startswith(name)]
        if not matches:
            raise InputError(
                f"clip '{clip.name}': there is no prediction {name}*.png below {predictions}; "
                "expected one PNG for each annotated frame"
            )
        if len(matches) > 1:
            raise InputError(
                f"clip '{clip.name}': {matches[0]} and {matches[1]} are both predictions of frame {name}"
            )
        return matches[0]

    return locate
