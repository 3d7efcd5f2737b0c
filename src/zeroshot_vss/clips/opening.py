"""From a stage's files to a clip's result."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from zeroshot_vss.clips.naming import Naming
from zeroshot_vss.clips.result import ClipResult
from zeroshot_vss.datasets.base import DataSet
from zeroshot_vss.io.store import Manifest, open_clip


@contextmanager
def open_result(
    dataset: DataSet, name: str, names: Mapping[int, str], manifest: str, at_once: int = 8
) -> Iterator[ClipResult]:
    """A clip and its label maps, as long as the block lasts.

    Args:
        dataset: the clip's.
        name: of the clip.
        names: given to labels by hand.
        manifest: of the full-resolution label maps.
        at_once: frames that are read together.

    Raises:
        InputError: the clip or its label maps cannot be read, or a name is none.
    """
    with open_clip(Manifest.load(manifest).verified(name)) as file:
        naming = Naming.of(names, dataset.legend_of(name))
        yield ClipResult(dataset.clip(name), file["maps"], naming, at_once)
