"""`zeroshot_vss.segment`: a video in, label maps with names and confidence out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from zeroshot_vss.console.quiet import run_quietly
from zeroshot_vss.console.request import Request
from zeroshot_vss.io.places import full_path
from zeroshot_vss.workflow.home import find_home

WRITTEN = ("overlay.mp4", "player.html", "labels")
"""What is copied to the folder that the user names."""


@dataclass(frozen=True)
class Segmentation:
    """What was found in a video.

    Attributes:
        folder: with `overlay.mp4`, `player.html`, `labels/` (a palette PNG a frame).
        names: of each label that occurs.
    """

    folder: Path
    names: dict[int, str]
    _maps: Path

    @cached_property
    def label_maps(self) -> NDArray[np.uint8]:
        """[frames, H, W] labels, 255 where the method has none; read when asked for."""
        from zeroshot_vss.io.images import read_mask

        paths = sorted((self.folder / "labels").glob("*.png"))
        return np.stack([read_mask(path, "labels") for path in paths])

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """[frames, H, W], 0..1: see :func:`zeroshot_vss.clips.confidence.agreement`."""
        from zeroshot_vss.clips.confidence import agreement

        return agreement(self.label_maps)


def segment(
    video: str | Path,
    *,
    mask: str | Path | None = None,
    names: Mapping[int | str, str] | None = None,
    clusters: int | Literal["auto"] | None = None,
    method: str | None = None,
    fast: bool = False,
    adapt: bool = False,
    side_by_side: bool = False,
    out: str | Path | None = None,
    configs: Sequence[Path] = (),
    cores: int | None = None,
) -> Segmentation:
    """Segment a video without training, by the stages of the workflow and with its caches.

    Args:
        video: a video file or a folder of frames.
        mask: annotation of one frame, which names the clusters: an indexed PNG, grey ids, or colours.
        names: of the ids or colours (`#rrggbb`) of the mask; without one of clusters, where a name makes them one.
        clusters: how many; `auto` lets the tokens decide. 8 by default, with a mask those of the backbone's settings.
        method: of `config/methods.yaml`; `ours` is the paper's, with masked modulation, at several times the cost.
        fast: frames of 128 rows: coarser, in less time.
        adapt: train the backbone on with the video first, without labels; minutes.
        side_by_side: the overlay has the plain frames at its left.
        out: folder for the results; `<name of the video>-segmented` by default.
        configs: configuration files, laid over the shipped one.
        cores: CPU cores; all by default.

    Raises:
        InputError: something about the files or the settings is wrong; the message says what.
    """
    names_by_cluster = {str(key): name for key, name in (names or {}).items()}
    chosen = Request(
        full_path(video),
        None if mask is None else full_path(mask),
        names_by_cluster,
        clusters,
        method,
        fast,
        adapt,
        side_by_side,
    )
    return perform(chosen, None if out is None else full_path(out), [full_path(p).resolve() for p in configs], cores)


def perform(
    chosen: Request, out: Path | None, configs: Sequence[Path] = (), cores: int | None = None
) -> Segmentation:
    """Do what is asked for; see :func:`segment`."""
    chosen.check()
    home, here = find_home(), Path.cwd()
    folder = (out or Path(f"{chosen.clip}-segmented")).resolve()
    config = chosen.write(home / "results" / "console")
    made = home / "results" / "clips" / chosen.clip
    try:
        targets = [f"results/clips/{chosen.clip}/{name}" for name in WRITTEN[:2]]
        run_quietly(targets, [*configs, config], home, cores or os.cpu_count() or 1)
    finally:
        os.chdir(here)
    folder.mkdir(parents=True, exist_ok=True)
    for name in WRITTEN:
        _copy(made / name, folder / name)
    return Segmentation(folder, _shown_names(folder / "player.html"), made)


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns(".*"))
    else:
        shutil.copyfile(source, target)


def _shown_names(page: Path) -> dict[int, str]:
    """The names of the labels that occur, as the player has them."""
    from zeroshot_vss.player.page import read_player

    return {int(label["id"]): str(label["name"]) for label in read_player(page)["labels"]}
