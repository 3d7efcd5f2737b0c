"""What `segment` is asked for, as a configuration of the workflow."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from zeroshot_vss.clips.naming import parse_names, read_names
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.files import replacing
from zeroshot_vss.io.places import full_path

CLUSTERS = 8
"""K where no mask names clusters: few enough to be told apart and to be named by hand."""
FRAMES_AT_ONCE = 2
"""In a plain pass, so that progress is told often."""
FAST = "label-propagation-128"


@dataclass(frozen=True)
class Request:
    """A video and what is wanted of it."""

    video: Path
    """A video file or a folder of frames."""
    mask: Path | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    clusters: int | Literal["auto"] | None = None
    """None: `CLUSTERS`; the backbone's own number where a mask names them, of which more find smaller objects."""
    method: str | None = None
    """None: that of `user_clips`."""
    fast: bool = False
    adapt: bool = False
    side_by_side: bool = False

    @property
    def clip(self) -> str:
        """What the clip is called in the results."""
        return re.sub(r"[^A-Za-z0-9._-]+", "-", self.video.resolve().stem).strip(".-") or "clip"

    def check(self) -> None:
        """Raises InputError where a file is not there, or two methods are asked for."""
        if self.fast and self.method is not None:
            raise InputError(f"--fast is method {FAST}, and --method is {self.method}; choose one of them")
        if not self.video.exists():
            raise InputError(f"there is no video or folder of frames {self.video}")
        if self.mask is not None and not self.mask.is_file():
            raise InputError(f"there is no mask {self.mask}")

    def config(self) -> dict[str, Any]:
        """The configuration, to be laid over the shipped one."""
        clip: dict[str, Any] = {"path": str(self.video.resolve())}
        clusters = self.clusters or (CLUSTERS if self.mask is None else None)
        if clusters is not None:
            clip["clusters"] = clusters
        if self.mask is not None:
            clip["mask"] = str(self.mask.resolve())
        if self.names:
            clip["names"] = dict(self.names)
        method = FAST if self.fast else self.method
        chosen: dict[str, Any] = {} if method is None else {"method": method}
        if self.adapt:
            chosen["adapt"] = True
        return {
            "compute": {"frames_at_once": FRAMES_AT_ONCE},
            "clips": {self.clip: clip},
            "user_clips": {**chosen, "side_by_side": self.side_by_side},
        }

    def write(self, folder: Path) -> Path:
        """Write the configuration; returns the file."""
        path = folder / f"{self.clip}.yaml"
        with replacing(path) as partial:
            partial.write_text(yaml.safe_dump(self.config(), sort_keys=False, allow_unicode=True), "utf-8")
        return path


def names_of(text: str | None) -> dict[str, str]:
    """Names as written in a command: `1=swan,2=water`, or a file of them.

    Raises:
        InputError: it is neither.
    """
    if not text:
        return {}
    return read_names(full_path(text)) if Path(text).suffix in (".json", ".yaml", ".yml") else parse_names(text)
