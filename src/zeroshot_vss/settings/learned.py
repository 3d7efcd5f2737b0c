"""Learned upsamplers of features."""

from __future__ import annotations

from zeroshot_vss.settings.base import Settings


class LearnedUpsampler(Settings):
    """A network that brings features to the size of an image: an entry of a folder in torch.hub's layout."""

    path: str
    """A folder with a `hubconf.py`, on this disk; its code is run. `~` and `$HOME` are expanded."""
    entry: str
    """The function of `hubconf.py` that makes the network: `anyup`."""
    options: dict[str, bool | int | float | str] = {}
    """Handed to it by name: `{pretrained: false}` where the weights come from a file."""
    weights: str | None = None
    """A file of weights that the network then loads: `.pth` with tensors alone, or `.safetensors`."""
