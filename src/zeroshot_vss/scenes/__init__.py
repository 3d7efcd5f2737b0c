"""Generated street clips with exact labels: the data of the embedded default."""

from zeroshot_vss.scenes.render import render_clip, render_objects
from zeroshot_vss.scenes.world import HEIGHT, WIDTH, Label

__all__ = ["HEIGHT", "WIDTH", "Label", "render_clip", "render_objects"]
