"""Generated street clips with exact labels: the data of the embedded default."""

from zeroshot_vss.scenes.render import render_clip
from zeroshot_vss.scenes.world import HEIGHT, WIDTH, Label

__all__ = ["HEIGHT", "WIDTH", "Label", "render_clip"]
