"""Settings of every stage, typed and validated. The defaults are the paper's values for SD 2.1.

A stage's model holds what that stage depends on and nothing else: it is spelled out in the stage's path.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

NonNegative = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Switch = Annotated[Literal[True] | None, BeforeValidator(lambda value: value or None)]
"""A shortcut that is off by default; None when off, so that it is part of a path only where it is on."""
ClassifierName = Literal["knn", "mlp", "random-forest", "logistic-regression", "nearest-centroid", "linear-svm"]
"""Keys of :data:`zeroshot_vss.classifiers.CLASSIFIERS`, here so that a wrong one is found before any job runs."""
UpsamplerName = Literal["modulation", "nearest", "bilinear"]
"""Keys of :data:`zeroshot_vss.upsamplers.UPSAMPLERS`, for the same reason."""


class Settings(BaseModel):
    """Unknown keys and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Batches(Settings):
    """How a clip is cut into batches."""

    size: Positive = 14
    """B. Larger batches train the context model on more frames; 14 is SVD's training length."""
    last: Literal["short", "shifted"] = "short"
    """A last batch that is not full is `short`, or (`released`) `shifted` back to be full; then the frames of
    the overlap are done twice and the later result stands."""


class MethodSampling(Settings):
    """Encoding, noising and denoising."""

    steps: Positive = 25
    start: NonNegative = 22
    """t_inv: the step whose noise level is added. Must not be after the modulated and the feature step."""
    guidance: float | tuple[float, float] = 5.0
    """1 switches the unconditional half off. Two values: linear from the first to the last frame of a batch, as
    SVD has it."""
    time_ids: tuple[float, float, float] | None = None
    """What a video model is told of its clips: frame rate id, motion bucket, and the standard deviation of the
    noise on the conditioning frame. None for image models."""
    noise: Literal["frame", "clip", "batch"] = "frame"
    """`frame`: each frame has its own noise. `clip`: all frames share one. `batch` (`released`): the noise
    depends on the place in the batch, as the seed is set again before each."""
    posterior: Literal["sample", "mean"] = "sample"
    height: Positive | None = None
    """Frames higher than this are resized to it before the network sees them (256 for Cityscapes in the paper);
    label maps keep the frames' own size. None takes frames as they are."""
    seed: NonNegative = 1

    @property
    def coupled(self) -> bool:
        """Whether the frames of a batch are denoised together (video models)."""
        return self.time_ids is not None

    @property
    def parts(self) -> int:
        """Guidance halves: 2, unconditional then conditional, or 1 without guidance."""
        return 1 if self.guidance in (1, (1, 1)) else 2

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


class CachedFeatures(Settings):
    """Which self-attention queries a method caches."""

    blocks: tuple[int, ...] = (6, 7, 8)
    """Decoder blocks, all of one resolution. Keep one value for all rows of a table: they then share the cache."""
    step: NonNegative = 24


class Features(CachedFeatures):
    """The feature stage: what is cached, and how the latents were made."""

    sampling: Sampling = Sampling()


class ContextModel(Settings):
    """K-Means on the first frame and the classifier that carries its labels on."""

    blocks: tuple[int, ...] = (6, 7, 8)
    """One block, or several whose mean is taken (feature aggregation)."""
    clusters: Positive = 20
    """K. More clusters find smaller objects, up to where they split classes (figure 14)."""
    explained: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Automatic K: the fewest clusters that explain this share of the tokens' variance, at most `clusters`. None
    takes `clusters` as they are."""
    position: Annotated[float, Field(gt=0)] | None = None
    """Beyond the paper: weight of a cell's row and column as further channels of its token, in parts of the spread of
    the first frame's tokens. None leaves tokens as they are."""
    initialisations: Positive = 10
    fit: Literal["first-frame", "first-batch"] = "first-frame"
    """Frames on which K-Means is fitted; `released` takes the whole first batch."""
    classifier: ClassifierName = "knn"
    classifier_options: dict[str, Any] = {}
    """Handed to the scikit-learn estimator."""
    components: Positive | None = None
    """Shortcut: the classifier sees this many principal components of the tokens (fitted on those of K-Means)."""
    batches: Batches = Batches()
    seed: NonNegative = 1


class Refinement(Settings):
    """Correspondence-based refinement (CBR)."""

    variant: Literal["paper", "released"] = "paper"
    block: NonNegative = 7
    window: float | None = 2.0
    """T of equation 3: matches satisfy |p - q|^2 <= T (cells squared). 2 is one cell in every
    direction; larger for faster motion; none lifts the limit. Only `paper`."""


class Correspondence(Refinement):
    """The correspondence stage."""

    batches: Batches | None = None
    """Set with `released` only, whose tracks start at the first frame of each batch."""

    @model_validator(mode="after")
    def _consistent(self) -> Correspondence:
        if (self.variant == "released") != (self.batches is not None):
            raise ValueError("batches must be given with variant 'released', and only then")
        return self


class Modulation(Settings):
    """Masked modulation of one block: its cross-attention in image models, its self-attentions in video models."""

    block: NonNegative = 7
    step: NonNegative = 22
    """t_m."""
    strength: float = 50.0
    """lambda; 50 with latent blending, 10 without."""
    blend_through: NonNegative | None = 23
    """Last step after which the latents are blended (equation 6), or none."""
    injection: bool = True
    """Queries and keys of the unmodulated pass in place of the modulated pass's own."""
    one_step: Switch = None
    """Shortcut: the clean latent is predicted from the modulated step, in place of the remaining steps."""
    apart: Positive | None = None
    """Shortcut: labels whose masks lie at least this many cells apart are modulated in one pass."""

    def last_step(self, sampling: MethodSampling) -> int:
        """The last step that modulated passes take."""
        return self.step if self.one_step else sampling.steps - 1


class Upsampler(Settings):
    """From a coarse map to full resolution."""

    upsampler: UpsamplerName = "modulation"
    modulation: Modulation | None = Modulation()
    """None with other upsamplers."""
    filter: float | None = 0.7
    """s of equation 7: how much of a difference map counts outside its mask; none switches the filter off."""
    difference: Literal["float", "wrapped-8-bit"] = "float"
    """`wrapped-8-bit` repeats the released code's arithmetic: 8-bit images, subtracted and squared modulo 256."""
    decoder: Literal["tiny"] | None = None
    """Shortcut: the backbone's tiny decoder (its `tiny_decoder`) in place of its VAE's."""
    halo: NonNegative | None = None
    """Shortcut: only the region of each mask is decoded, with this many latent cells around it."""

    @model_validator(mode="after")
    def _whole(self) -> Upsampler:
        if (self.upsampler == "modulation") != (self.modulation is not None):
            raise ValueError("modulation must be given with upsampler 'modulation', and only then")
        return self


class Upsampling(Upsampler):
    """The upsampling stage."""

    sampling: Sampling | None = Sampling()
    """None with upsamplers that run no diffusion."""

    @model_validator(mode="after")
    def _consistent(self) -> Upsampling:
        if (self.upsampler == "modulation") != (self.sampling is not None):
            raise ValueError("sampling must be given with upsampler 'modulation', and only then")
        return self


class MethodSettings(Settings):
    """Everything that a diffusion-based method depends on. The stages' own settings are made from it."""

    sampling: MethodSampling = MethodSampling()
    features: CachedFeatures = CachedFeatures()
    context: ContextModel = ContextModel()
    refinement: Refinement | None = Refinement()
    """None switches CBR off."""
    upsampling: Upsampler = Upsampler()

    @model_validator(mode="after")
    def _consistent(self) -> MethodSettings:
        wanted = {*self.context.blocks, *([self.refinement.block] if self.refinement else [])}
        if missing := sorted(wanted - set(self.features.blocks)):
            raise ValueError(f"block {missing[0]} is used but not cached; add it to features.blocks")
        if self.sampling.start > self.features.step:
            raise ValueError(f"features.step {self.features.step} is before sampling.start {self.sampling.start}")
        if self.features.step >= self.sampling.steps:
            raise ValueError(f"features.step {self.features.step} must be below sampling.steps {self.sampling.steps}")
        modulation = self.upsampling.modulation
        if modulation and not self.sampling.start <= modulation.step < self.sampling.steps:
            raise ValueError(
                f"upsampling.modulation.step {modulation.step} must be from sampling.start {self.sampling.start} "
                f"to {self.sampling.steps - 1}"
            )
        return self

    def stage_sampling(self) -> Sampling:
        """Sampling with the batches that noise by place in the batch, and coupled frames, depend on."""
        needed = self.sampling.noise == "batch" or self.sampling.coupled
        return Sampling(**self.sampling.model_dump(), batches=self.context.batches if needed else None)

    def stage_features(self) -> Features:
        """Settings of the feature stage."""
        return Features(**self.features.model_dump(), sampling=self.stage_sampling())

    def stage_correspondence(self) -> Correspondence | None:
        """Settings of the correspondence stage, or None without CBR."""
        if self.refinement is None:
            return None
        batches = self.context.batches if self.refinement.variant == "released" else None
        return Correspondence(**self.refinement.model_dump(), batches=batches)

    def stage_upsampling(self) -> Upsampling:
        """Settings of the upsampling stage."""
        sampling = self.stage_sampling() if self.upsampling.upsampler == "modulation" else None
        return Upsampling(**self.upsampling.model_dump(), sampling=sampling)


class Baseline(Settings):
    """Methods without a diffusion model."""

    kind: Literal["first-frame", "colour"] = "colour"
    """`first-frame` copies the first frame's annotation; `colour` clusters colour and position."""
    cell: Positive = 1
    """Side in pixels of the cells that are clustered; 1 is full resolution, 8 the feature grid of the default."""
    position: Annotated[float, Field(ge=0)] = 0.5
    """Weight of the position (-1..1 over the frame) beside the colour (-1..1)."""
    clusters: Positive = 20
    initialisations: Positive = 3
    classifier: Literal["centroids", "knn"] = "centroids"
    """`centroids`: the first frame's clusters label all frames. `knn`: the paper's context model in batches."""
    batches: Batches = Batches()
    seed: NonNegative = 1


class Segmenter(Settings):
    """A supervised network that labels each frame alone: transformers' Mask2Former."""

    path: str
    """A folder in transformers' format, or a repository of the hub."""
    revision: str | None = None
    download: bool = False
    datasets: tuple[str, ...]
    """Data sets whose classes it knows; tables have no row for the others."""
    names: dict[str, str | None] = {}
    """The data set's name of each class that the network calls otherwise; null for those that it does not have."""
    size: tuple[Positive, Positive] | None = None
    """Height and width to which frames are resized first; None takes what the network's own files say."""
