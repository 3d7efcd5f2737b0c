"""Everything that a diffusion-based method depends on."""

from __future__ import annotations

from pydantic import model_validator

from zeroshot_vss.settings.base import Settings
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.settings.features import CachedFeatures, Features
from zeroshot_vss.settings.refinement import Correspondence, Refinement
from zeroshot_vss.settings.sampling import MethodSampling, Sampling
from zeroshot_vss.settings.upsampling import MethodUpsampling, Upsampling


class MethodSettings(Settings):
    """Everything that a diffusion-based method depends on. The stages' own settings are made from it."""

    sampling: MethodSampling = MethodSampling()
    """Encoding, noising and denoising."""
    features: CachedFeatures = CachedFeatures()
    """Which features are cached."""
    context: ContextModel = ContextModel()
    """The scene context model: K-Means on the first frame, and the classifier that carries its labels on."""
    refinement: Refinement | None = Refinement()
    """Correspondence-based refinement (CBR); null switches it off."""
    upsampling: MethodUpsampling = MethodUpsampling()
    """From coarse maps to full resolution."""

    @model_validator(mode="after")
    def _consistent(self) -> MethodSettings:
        wanted = {*self.context.blocks, *([self.refinement.block] if self.refinement else [])}
        if missing := sorted(wanted - set(self.features.blocks)):
            raise ValueError(f"block {missing[0]} is used but not cached; add it to features.blocks")
        if self.context.propagation and self.refinement:
            raise ValueError("context.propagation replaces CBR as well; set refinement to null")
        if self.context.split and self.refinement:
            raise ValueError("CBR's matches are of whole cells; set refinement or context.split to null")
        if self.context.split and self.upsampling.learned:
            raise ValueError("a learned upsampler takes a label a token; set context.split to null")
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
        batches = None if self.refinement.variant == "paper" else self.context.batches
        return Correspondence(**self.refinement.model_dump(), batches=batches)

    def stage_upsampling(self) -> Upsampling:
        """Settings of the upsampling stage."""
        sampling = self.stage_sampling() if self.upsampling.upsampler == "modulation" else None
        return Upsampling(**self.upsampling.model_dump(), sampling=sampling)
