"""Weights that are not the model's own: those of an adaptation, put into a loaded model."""

from __future__ import annotations

from pathlib import Path

import torch

from zeroshot_vss.backbones.base import Backbone
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.io.hdf import damaged
from zeroshot_vss.io.store import open_clip

CONTEXT = "context"


def take_weights(backbone: Backbone, path: Path) -> None:
    """Put the weights of a result of the adaptation stage into a model, in its precision, on its device.

    All clips of a backbone change the same weights, so that nothing is left of the clip before.

    Args:
        backbone: an image model.
        path: the result: arrays by name, `unet.<name>`, `vae.<name>` or `context`.

    Raises:
        InputError: the result is damaged, or of another model.
        TypeError: the backbone has no UNet.
    """
    if not isinstance(backbone, LatentDiffusion):
        raise TypeError(f"backbone '{backbone.name}' has no UNet to put weights into")
    places = {f"unet.{name}": weight for name, weight in backbone.unet.state_dict(keep_vars=True).items()}
    places |= {f"vae.{name}": weight for name, weight in backbone.vae.state_dict(keep_vars=True).items()}
    if isinstance(backbone, ImageDiffusion):
        places[CONTEXT] = backbone.contexts[-1]
    with open_clip(path) as file, torch.no_grad():
        for name, stored in file.items():
            if name not in places or places[name].shape != stored.shape:
                raise damaged(path, f"backbone '{backbone.name}' has no weights {name} of shape {stored.shape}")
            places[name].copy_(torch.from_numpy(stored[()]))
