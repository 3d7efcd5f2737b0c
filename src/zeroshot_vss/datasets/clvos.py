"""CLVOS23, https://github.com/Amir4g/CLVOS23 (Nazemi et al., 2023): long videos of one object, few masks."""

from __future__ import annotations

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.datasets.folder import FolderClip, frame_files
from zeroshot_vss.datasets.objects import ONE_OBJECT, object_legend
from zeroshot_vss.datasets.options import NamedClips, RootOptions, find_root, root_key
from zeroshot_vss.errors import InputError

LONG_VIDEOS = ("blueboy", "dressage", "rat")
"""Videos whose frames CLVOS23 does not bring along."""


class ClvosOptions(RootOptions):
    """Options of CLVOS23; `root` holds `JPEGImages` and `Annotations`."""


class Clvos(NamedClips):
    """The nine videos, 13,362 frames with 284 masks: the first, the last and some between."""

    name = "clvos"
    Options = ClvosOptions
    protocol = "clvos"
    legend = object_legend(1)

    def __init__(self, options: ClvosOptions) -> None:
        get = "get CLVOS23 as https://github.com/Amir4g/CLVOS23 says"
        self._root = find_root(options.root, self.name, get)
        masks = self._root / "Annotations"
        names = sorted(path.name for path in masks.iterdir() if path.is_dir()) if masks.is_dir() else []
        names = [name for name in names if not name.startswith(".")]
        if not names:
            raise InputError(f"data set 'clvos': {masks} holds no folder of masks; {get}, {root_key(self.name)}")
        super().__init__(names, options)

    def _open(self, name: str) -> Clip:
        frames, masks = self._root / "JPEGImages" / name, self._root / "Annotations" / name
        if not frames.is_dir():
            source = "the Long Videos set (Liang et al., 2020)" if name in LONG_VIDEOS else "CLVOS23"
            raise InputError(
                f"clip {name!r}: its frames are missing; they come with {source}: put them into {frames}, "
                "or leave the clip out (`clips:` of the data set's options)"
            )
        clip = FolderClip(name, frames, masks=masks, ids=ONE_OBJECT, consecutive=True, sparse=True)
        # A mask whose frame is missing would silently not be scored.
        known = {clip.frame_name(index) for index in range(len(clip))}
        for mask in frame_files(masks, f"clip {name!r}"):
            if mask.stem not in known:
                raise InputError(
                    f"clip {name!r}: mask {mask.name} has no frame {mask.stem}.jpg in {frames}; fetch it again"
                )
        return clip
