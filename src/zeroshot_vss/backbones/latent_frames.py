"""Which latent frame of a causal video autoencoder holds a frame. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LatentFrames:
    """The latent frames of a clip: the first frame has one of its own, each further one holds `group` frames.

    A clip whose length is not 1 + k `group` is continued by its last frame.
    """

    frames: int
    """Of the clip, at least 1."""
    group: int

    @property
    def padded(self) -> int:
        """Frames with those that continue the clip."""
        return 1 + (self.count - 1) * self.group

    @property
    def count(self) -> int:
        """Latent frames."""
        return 1 - (1 - self.frames) // self.group

    @property
    def places(self) -> list[int]:
        """Of each frame, the latent frame that holds it."""
        return [-(-frame // self.group) for frame in range(self.frames)]

    @property
    def firsts(self) -> list[int]:
        """Of each latent frame, the first frame that it holds."""
        return [max(0, 1 + (latent - 1) * self.group) for latent in range(self.count)]
