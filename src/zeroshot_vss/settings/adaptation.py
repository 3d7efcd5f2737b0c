"""How a backbone is trained on with the frames of a clip, without labels."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zeroshot_vss.settings.base import Seed, Settings


class Adaptation(Settings):
    """Training a backbone on with a clip's own frames, without labels; what it learns holds for that clip alone."""

    steps: int = Field(default=400, ge=1)
    """Steps of the training."""
    height: int = Field(default=128, ge=32)
    """Rows of the views that are cut from frames; near the height at which the model is used."""
    stored_height: int = Field(default=240, ge=32)
    """Rows of the frames that views are cut from."""
    trained: Literal["queries", "all"] = "queries"
    """`queries`: the level of the decoder whose queries the method takes; `all`: the whole denoiser, slowly."""
    rate: float = Field(default=1e-3, gt=0, allow_inf_nan=False)
    """Learning rate."""
    decoder_steps: int = Field(default=0, ge=0)
    """Steps of the autoencoder's decoder afterwards, its encoder frozen."""
    seed: Seed = 1
    """Of views, noise and the order of frames; that of the configuration by default."""
