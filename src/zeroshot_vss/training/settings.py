"""Settings of a training, kept beside the weights as `training.json`."""

from __future__ import annotations

from typing import Literal

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


class ImageTrainingSettings(LoopSettings):
    """What image models of any architecture share: frames, crops and the context."""

    clips: int = 2400
    frames_per_clip: int = 4
    clip_length: int = 28

    context_tokens: int = 8
    context_width: int = 64
    steps: int = 5200
    batch: int = 16
    """Images a step and process while crops are trained."""
    crop: tuple[int, int] = (16, 24)
    full_size_share: float = 0.2
    """Share of the steps, the last ones, on whole frames, a quarter as many a step."""
    rate: float = 1.2e-3


class TrainingSettings(ImageTrainingSettings):
    """Everything that the weights depend on. The defaults are those of the shipped `scenes-tiny`."""

    autoencoder_channels: int = 24
    autoencoder_steps: int = 2600
    autoencoder_batch: int = 16
    autoencoder_crop: int = 64
    autoencoder_rate: float = 2e-3
    latent_noise: float = 0.05
    """Standard deviation of the noise on the unit-variance latents while the decoder learns."""

    channels: tuple[int, int, int, int] = (32, 80, 112, 128)
    heads: tuple[int, int, int, int] = (1, 2, 4, 4)


class TransformerTrainingSettings(ImageTrainingSettings):
    """The same for a diffusion transformer of about the size of `scenes-tiny`'s UNet, on its latents and frames."""

    layers: int = 12
    heads: int = 6
    head_width: int = 32
    patch: int = 2
    """Latent cells of a token's side: with 2 the tokens lie as those of the UNet's blocks 6 to 8."""
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    """Of the products; weights and optimiser are float32. Two thirds of the time where the processor has bfloat16."""
    rate: float = 6e-4


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


class AdaptationSettings(LoopSettings):
    """Everything that the weights depend on, beside the model adapted and the footage."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    trained: Literal["all", "queries"] = "queries"
    """`queries`: the level of the decoder whose queries the method takes, its output held to what it was; for a fifth
    of the cost of `all`, which trains denoising as well."""
    pool: int = 192
    """Pairs of views a process whose passes up to that level are kept, with `queries`; then they are drawn anew."""
    uses: int = 6
    """How often each of them is used."""
    hold: float = 0.3
    """Weight of the squared change of the level's output, in parts of its variance, with `queries`."""
    height: int = 128
    """Rows of the views."""
    stored_height: int = 240
    """Rows of the decoded frames, from which views are cut."""
    pairs: int = 4
    """Pairs of views a step and process."""
    steps: int = 800
    rate: float = 1e-3
    warm_up: int = 50
    final_share: float = 0.25
    """Share of the steps, the last ones, in which the rate falls to a fiftieth."""
    ema: float = 0.995
    whole_share: float = 0.35
    """Share of the views that show the whole frame."""
    zoom: float = 2.0
    jitter: float = 0.25
    """Strength of the changes of brightness, contrast, saturation and tint, drawn for each view."""
    margin_share: float = 0.5
    """Share of the batches that are encoded with a reflected margin, so that both ways of encoding are known."""
    denoise_every: int = 3
    """With `all`, denoising is trained at every so many steps; the others end at the last of the queries."""
    correspondence: float = 0.15
    """Weight of the term that asks for similar tokens at the same place; 0 leaves denoising alone."""
    temperature: float = 0.1
    same_share: float = 0.5
    """Share of the pairs that are two views of one frame; the rest are of two frames of a clip."""
    gap: int = 6
    """Largest distance of the two frames."""
    least_alike: float = 0.6
    """Frames whose thumbnails correlate less are not taken for a pair."""
    decoder_steps: int = 300
    """Steps of the autoencoder's decoder afterwards, its encoder frozen."""
    decoder_rate: float = 1e-3
