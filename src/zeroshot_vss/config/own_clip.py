"""A user's clip in the configuration: where it lies, its mask, its names."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from zeroshot_vss.clips.naming import numbered, read_names
from zeroshot_vss.config.validation import validated
from zeroshot_vss.io.places import full_path
from zeroshot_vss.settings.base import Settings
from zeroshot_vss.settings.method import MethodSettings


class OwnClip(Settings):
    """One clip under `clips`; a path alone stands for one without a mask."""

    path: str
    """A video file or a folder of frames; `~` and `$HOME` are expanded, in all paths."""
    mask: str | None = None
    """Annotation of one frame, which names the clusters: an indexed PNG, grey ids, or colours."""
    mask_frame: int | None = Field(default=None, ge=0)
    """Which frame, from 0; by default that of the mask's name, else the first."""
    names: dict[str | int, str] | str = {}
    """Names by label of the mask (`1: swan`) or by its colour (`'#ff0000': swan`); without a mask by cluster, where
    clusters of one name become one. Or a file of them, as the player saves it."""
    clusters: Annotated[int, Field(ge=1, le=255)] | Literal["auto"] | None = None
    """K of K-Means for this clip, in place of the method's; `auto` lets the tokens decide."""

    def _names(self) -> dict[str, str]:
        return (
            read_names(full_path(self.names))
            if isinstance(self.names, str)
            else {str(key): name for key, name in self.names.items()}
        )

    def _colours(self) -> list[str]:
        names = self._names() if self.mask else {}
        return [key for key in names if key.startswith("#")]

    def spec(self) -> str | dict[str, Any]:
        """What the stages are given; without names, so that other names run no model again."""
        if self.mask is None:
            return self.path
        frame = {} if self.mask_frame is None else {"mask_frame": self.mask_frame}
        colours = {"colours": self._colours()} if self._colours() else {}
        return {"path": self.path, "mask": self.mask, **frame, **colours}

    def label_names(self, clip: str) -> dict[int, str]:
        """Names by label; colours of a mask are labels 1, 2, ...

        Raises:
            InputError: a key is neither, or the file of names cannot be read.
        """
        names, colours = self._names(), self._colours()
        plain = {key: name for key, name in names.items() if key not in colours}
        return numbered(plain, f"clips: {clip}: names") | {
            place + 1: names[colour] for place, colour in enumerate(colours)
        }


def _as_clip(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


AnyClip = Annotated[OwnClip, BeforeValidator(_as_clip, json_schema_input_type=str | OwnClip)]
"""A clip, or its path alone."""


EXPLAINED = 0.6
"""Share of the tokens' variance that an automatic number of clusters explains."""


def with_clusters(settings: MethodSettings, clusters: int | Literal["auto"] | None) -> MethodSettings:
    """The settings with a number of clusters of a clip's own.

    Raises:
        InputError: the context model cannot choose their number.
    """
    if clusters is None:
        return settings
    own: dict[str, Any] = {"explained": EXPLAINED} if clusters == "auto" else {"clusters": clusters}
    values = settings.model_dump()
    return validated(MethodSettings, {**values, "context": {**values["context"], **own}}, "clips: clusters")
