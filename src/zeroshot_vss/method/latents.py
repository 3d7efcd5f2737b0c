"""From a clip's frames to the latents and queries of its rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from zeroshot_vss.backbones import geometry
from zeroshot_vss.backbones.base import Backbone, Start
from zeroshot_vss.backbones.finite import check_finite
from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.seeds import gaussian
from zeroshot_vss.settings.sampling import Sampling


def network_size(clip: Clip, backbone: Backbone, sampling: Sampling) -> tuple[int, int]:
    """Size at which the backbone sees a clip: the clip's, or that of `sampling.height`, cut to what its levels halve.

    Raises:
        InputError: the frames are smaller than one multiple, or no larger than the margin.
    """
    height, width = geometry.network_size(clip.size, backbone.multiple, sampling.height)
    if not height or not width:
        raise InputError(
            f"clip '{clip.name}': frames of {clip.size[1]} x {clip.size[0]} pixels are too small for "
            f"'{backbone.name}', which needs {backbone.multiple} at least; enlarge them"
        )
    if sampling.margin is not None and sampling.margin >= min(height, width):
        raise InputError(
            f"clip '{clip.name}': sampling.margin is {sampling.margin}; expected less than {min(height, width)}, the "
            "shorter side that the network sees"
        )
    return height, width


def to_network_size(frames: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """[n, H, W, 3] frames resized (PIL, bicubic) to `size`, unless they have it."""
    height, width = size
    if frames.shape[1:3] == size:
        return frames
    return np.stack(
        [np.asarray(Image.fromarray(f).resize((width, height), Image.Resampling.BICUBIC)) for f in frames]
    )


def start_of(backbone: Backbone, clip: Clip, rows: Sequence[Row], sampling: Sampling) -> Start:
    """Where the denoising of some rows starts. Depends on the seed and on each row alone.

    Video models are conditioned on the first of the rows, which must be a whole batch.
    """
    size = network_size(clip, backbone, sampling)
    frames = to_network_size(clip.frames([row.frame for row in rows]), size)
    shape = backbone.latent_shape(*size)
    posterior = None
    if sampling.posterior == "sample":
        posterior = torch.stack([gaussian(shape, sampling.seed, "posterior", row.noise) for row in rows])
    noise = torch.stack([gaussian(shape, sampling.seed, "noise", row.noise) for row in rows])
    origins = tuple(f"clip '{clip.name}', frame {row.frame}" for row in rows)
    encoded = backbone.encode(frames, posterior, sampling.margin or 0)
    check_finite(encoded, "encoding", backbone.name, origins)
    latents = backbone.add_noise(encoded, noise, sampling)
    if not sampling.coupled:
        return Start(latents, origins=origins)
    blur = gaussian((3, *size), sampling.seed, "condition", rows[0].noise)
    condition = backbone.condition(frames[0], blur, sampling)
    if condition is not None:
        check_finite(condition.latents[None], "encoding the conditioning frame", backbone.name, origins)
        check_finite(condition.embedding[None], "embedding the conditioning frame", backbone.name, origins)
    return Start(latents, condition, origins)
