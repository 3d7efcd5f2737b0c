"""From coarse maps to full resolution."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, model_validator

from zeroshot_vss.settings.base import NonNegative, Positive, Settings, Switch
from zeroshot_vss.settings.edges import GuidedFilter, JointBilateral
from zeroshot_vss.settings.learned import LearnedUpsampler
from zeroshot_vss.settings.sampling import MethodSampling, Sampling
from zeroshot_vss.upsamplers import UPSAMPLERS

UpsamplerName = Annotated[str, AfterValidator(UPSAMPLERS.known)]


Arithmetic = Literal["float", "squared", "wrapped-8-bit"]


class Modulation(Settings):
    """Masked modulation of one block: its cross-attention in image models, its self-attentions in video models."""

    block: NonNegative = 7
    """The block that is modulated; 8 in video models."""
    step: NonNegative = 22
    """t_m: the step in which it is modulated."""
    strength: float = 50.0
    """lambda; 50 with latent blending, 10 without."""
    blend_through: NonNegative | None = 23
    """Last step after which the latents are blended (equation 6); null for none."""
    injection: bool = True
    """Queries and keys of the unmodulated pass in place of the modulated pass's own."""
    one_step: Switch = None
    """Shortcut: the clean latent is predicted from the modulated step, in place of the remaining steps."""
    apart: Positive | None = None
    """Shortcut: labels whose masks lie at least this many cells apart are modulated in one pass."""

    def last_step(self, sampling: MethodSampling) -> int:
        """The last step that modulated passes take."""
        return self.step if self.one_step else sampling.steps - 1


class MethodUpsampling(Settings):
    """From a coarse map to full resolution."""

    upsampler: UpsamplerName = "modulation"
    """Masked modulation, or one that runs no model (with `modulation: null, filter: null`)."""
    modulation: Modulation | None = Modulation()
    """Masked modulation; null with other upsamplers."""
    filter: float | None = 0.7
    """s of equation 7: how much of a difference map counts outside its mask; null switches the filter off."""
    difference: Arithmetic = "float"
    """`float`: the norm over colour. `squared`: its square, as section 3.2 writes it. `wrapped-8-bit` repeats the
    released code's arithmetic: 8-bit images, subtracted and squared modulo 256."""
    decoder: Literal["tiny"] | None = None
    """Shortcut: the backbone's tiny decoder (its `tiny_decoder`) in place of its VAE's."""
    halo: NonNegative | None = None
    """Shortcut: only the region of each mask is decoded, with this many latent cells around it."""
    guided: GuidedFilter | None = None
    """The guided filter: of upsampler `guided-filter`, and beyond the paper of masked modulation, whose difference
    maps it filters before equation 7 ([docs/upsamplers.md](../docs/upsamplers.md)); null elsewhere."""
    bilateral: JointBilateral | None = None
    """Joint bilateral upsampling: of upsampler `joint-bilateral`; null elsewhere."""
    learned: LearnedUpsampler | None = None
    """A network that brings features to the size of a frame: of upsampler `learned`; null elsewhere."""

    @model_validator(mode="after")
    def _whole(self) -> MethodUpsampling:
        if (self.upsampler == "modulation") != (self.modulation is not None):
            raise ValueError("modulation must be given with upsampler 'modulation', and only then")
        for key, name in (("bilateral", "joint-bilateral"), ("learned", "learned")):
            if (self.upsampler == name) != (getattr(self, key) is not None):
                raise ValueError(f"{key} must be given with upsampler '{name}', and only then")
        if self.upsampler == "guided-filter" and self.guided is None:
            raise ValueError("guided must be given with upsampler 'guided-filter'; `guided: {}` for the defaults")
        if self.guided is not None and self.upsampler not in ("guided-filter", "modulation"):
            raise ValueError("guided must be given with upsampler 'guided-filter' or 'modulation' alone")
        return self

    @property
    def looks_at_frames(self) -> bool:
        """Whether label maps are made from frames, not from coarse maps alone."""
        return any(part is not None for part in (self.modulation, self.guided, self.bilateral, self.learned))


class Upsampling(MethodUpsampling):
    """The upsampling stage."""

    sampling: Sampling | None = Sampling()
    """None with upsamplers that run no diffusion."""

    @model_validator(mode="after")
    def _consistent(self) -> Upsampling:
        if (self.upsampler == "modulation") != (self.sampling is not None):
            raise ValueError("sampling must be given with upsampler 'modulation', and only then")
        return self
