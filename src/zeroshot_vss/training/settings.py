"""Settings of a training, kept beside the weights as `training.json`."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class LoopSettings(BaseModel):
    """What training a denoiser depends on, image or video."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 1
    processes: int = 2
    """Data-parallel processes of one thread each (faster than one process with as many threads)."""
    steps: int
    rate: float
    warm_up: int = 200
    ema: float = 0.999
    weight_decay: float = 0.01
    low_noise_share: float = 0.75
    """Share of the timesteps drawn below `low_noise_limit`, where the method works."""
    low_noise_limit: int = 400


class TrainingSettings(LoopSettings):
    """Everything that the weights depend on. The defaults are those of the shipped `scenes-tiny`."""

    clips: int = 2400
    frames_per_clip: int = 4
    clip_length: int = 28

    autoencoder_channels: int = 24
    autoencoder_steps: int = 2600
    autoencoder_batch: int = 16
    autoencoder_crop: int = 64
    autoencoder_rate: float = 2e-3
    latent_noise: float = 0.05
    """Standard deviation of the noise on the unit-variance latents while the decoder learns."""

    channels: tuple[int, int, int, int] = (32, 80, 112, 128)
    heads: tuple[int, int, int, int] = (1, 2, 4, 4)
    context_tokens: int = 8
    context_width: int = 64
    steps: int = 5200
    batch: int = 16
    """Images a step and process while crops are trained."""
    crop: tuple[int, int] = (16, 24)
    full_size_share: float = 0.2
    """Share of the steps, the last ones, on whole frames, a quarter as many a step."""
    rate: float = 1.2e-3


class VideoTrainingSettings(LoopSettings):
    """The same for the temporal layers of the shipped `scenes-tiny-video`."""

    clips: int = 700
    frames: int = 14
    """Consecutive frames of each; as many as a batch of the method holds."""
    clip_length: int = 28
    steps: int = 1500
    batch: int = 1
    """Clips a step and process."""
    crop: tuple[int, int] = (16, 24)
    rate: float = 1e-3
    weight_decay: float = 0.0
    low_noise_share: float = 0.5
    condition_noise: float = 0.02
    """Standard deviation of the noise on the conditioning frame, which the network is told of."""


class TinyDecoderSettings(BaseModel):
    """The same for the tiny decoder of the shipped `scenes-tiny`, which imitates the autoencoder's own."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = 1
    processes: int = 2
    clips: int = 600
    frames_per_clip: int = 4
    clip_length: int = 28
    channels: int = 10
    steps: int = 1500
    batch: int = 8
    crop: int = 48
    rate: float = 3e-3
    latent_noise: float = 0.5
    """Largest standard deviation of the noise on the latents: modulated ones are none that the encoder gives."""
