"""How a class of video diffusion transformers is called, and how its autoencoder compresses. Imports no torch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.families.base import Family

if TYPE_CHECKING:
    from torch import Tensor


class VideoFamily(Family):
    """A class of video diffusion transformers; each token is of one latent frame."""

    autoencoder: ClassVar[str]
    """Class of its autoencoder."""

    @abstractmethod
    def compression(self, vae: Mapping[str, Any]) -> tuple[int, int]:
        """Pixels of a latent's side, and frames of a latent frame (the first holds one)."""

    def channels(self, vae: Mapping[str, Any]) -> int:
        """Channels of the autoencoder's latents."""
        return int(vae["latent_channels"])

    def longest(self, config: Mapping[str, Any]) -> int | None:
        """Most latent frames; None for any number."""
        return None

    def words(self, config: Mapping[str, Any]) -> int | None:
        """Tokens of text that it must be told; None for any number."""
        return None

    def refusal(self, config: Mapping[str, Any]) -> str | None:
        """The entry of its config that the method cannot use, with the models that can be; None where all can be."""
        return None

    def normalised(self, vae: Any, latents: Tensor) -> Tensor:
        """Latents [n, c, h, w] as the network is trained on them, of those that the autoencoder gives."""
        return latents * vae.config.scaling_factor
