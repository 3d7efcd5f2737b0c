"""Encoding, noising and denoising."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, SerializerFunctionWrapHandler, model_serializer, model_validator

from zeroshot_vss.settings.base import NonNegative, Positive, Seed, Settings, Switch
from zeroshot_vss.settings.batches import Batches


class MethodSampling(Settings):
    """Encoding, noising and denoising."""

    steps: Positive = 25
    """Euler steps of the whole schedule."""
    start: NonNegative = 22
    """t_inv: the step whose noise level is added. Must not be after the modulated and the feature step. Smaller:
    more noise, more abstract features."""
    guidance: float | tuple[float, float] = 5.0
    """1 switches the unconditional half off: half the time; for models without an unconditional context. Two values:
    linear from the first to the last frame of a batch; [1.0, 2.5] for SVD."""
    time_ids: tuple[float, float, float] | None = None
    """What a video model is told of its clips: frame rate id, motion bucket, and the standard deviation of the
    noise on the conditioning frame; [14, 127, 0.02] for SVD. null for image models."""
    together: Switch = None
    """Whether the frames of a batch are one clip to the network. Kind `video-transformer` sets it by itself; models
    that are told `time_ids` have their frames together without it."""
    noise: Literal["frame", "clip", "batch"] = "frame"
    """`frame`: each frame has its own noise. `clip`: all frames share one. `batch` (`released`): the noise
    depends on the place in the batch, as the seed is set again before each."""
    posterior: Literal["sample", "mean"] = "sample"
    """Of the VAE; `mean` draws nothing."""
    height: Positive | None = None
    """Frames higher than this are resized to it before the network sees them (256 for Cityscapes in the paper);
    label maps keep the frames' own size. null takes frames as they are."""
    margin: Annotated[
        Positive | None, BeforeValidator(lambda value: value or None, json_schema_input_type=NonNegative | None)
    ] = None
    """Pixels by which frames are continued on each side, mirrored, before the autoencoder sees them; the latents of
    the margin are cut off again. For autoencoders whose latents differ where the frame ends; a multiple of a latent
    cell. 0 or null: off, and no part of a path."""
    seed: Seed = 1
    """Of the noise; the configuration's `seed`."""

    @property
    def coupled(self) -> bool:
        """Whether the frames of a batch are denoised together (video models)."""
        return self.time_ids is not None or self.together is True

    @property
    def parts(self) -> int:
        """Guidance halves: 2, unconditional then conditional, or 1 without guidance."""
        return 1 if self.guidance in (1, (1, 1)) else 2

    @model_serializer(mode="wrap")
    def _only_where_on(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `together` where it is off, so that results made before there was the switch keep their keys."""
        values: dict[str, Any] = handler(self)
        return {name: value for name, value in values.items() if name != "together" or value is not None}

    @model_validator(mode="after")
    def _in_range(self) -> MethodSampling:
        if self.start >= self.steps:
            raise ValueError(f"start {self.start} must be below steps {self.steps}")
        return self


class Sampling(MethodSampling):
    """What the stages know of it."""

    batches: Batches | None = None
    """Set where the result depends on it: with `noise: batch` and with coupled frames."""

    @model_validator(mode="after")
    def _consistent(self) -> Sampling:
        if (self.noise == "batch" or self.coupled) != (self.batches is not None):
            raise ValueError("batches must be given with noise 'batch' or coupled frames, and only then")
        return self
