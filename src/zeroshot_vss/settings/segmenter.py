"""Supervised networks."""

from __future__ import annotations

from zeroshot_vss.settings.base import Positive, Settings


class Segmenter(Settings):
    """A supervised network that labels each frame alone: transformers' Mask2Former."""

    path: str
    """A folder in transformers' format, or a repository of the hub."""
    revision: str | None = None
    """Commit of a hub repository; needed to fetch it, so that results can be repeated."""
    download: bool = False
    """Whether files of a hub repository may be fetched. Without, they must be in the local cache."""
    datasets: tuple[str, ...]
    """Data sets whose classes it knows; tables have no row for the others."""
    names: dict[str, str | None] = {}
    """The data set's name of each class that the network calls otherwise; null for those that it does not have."""
    size: tuple[Positive, Positive] | None = None
    """Height and width to which frames are resized first; None takes what the network's own files say."""
