"""A video diffusion transformer of diffusers as a backbone: a batch of frames is one clip to it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.backbones.encoding import encode_clip, to_images
from zeroshot_vss.backbones.families.video import VideoFamily
from zeroshot_vss.backbones.latent_frames import LatentFrames
from zeroshot_vss.backbones.token_diffusion import TokenDiffusion
from zeroshot_vss.errors import InputError
from zeroshot_vss.settings.sampling import Sampling


class VideoTokenDiffusion(TokenDiffusion):
    """The frames of a batch are encoded and denoised together, under the empty prompt, without guidance.

    Every frame has the latents and the tokens of the latent frame that holds it, under the noise of the first frame
    that this holds. Its autoencoder, `vae`, is of a video.
    """

    family: VideoFamily

    def held(self, frames: int) -> LatentFrames:
        """The latent frames of that many frames."""
        return LatentFrames(frames, self.grids.group)

    @torch.inference_mode()
    def encode(self, frames: NDArray[np.uint8], noise: Tensor | None, margin: int = 0) -> Tensor:
        height, width = frames.shape[1:3]
        if height % self.multiple or width % self.multiple:
            raise InputError(
                f"{self.whose}: frames are {width} x {height} pixels; expected multiples of {self.multiple}"
            )
        if excess := self.grids.excess((height, width)):
            raise InputError(f"{self.whose}: {excess}")
        held, images = self.held(len(frames)), to_images(frames)
        images = torch.cat([images, images[-1:].expand(held.padded - held.frames, -1, -1, -1)])
        drawn = None if noise is None else noise[held.firsts]
        latents = encode_clip(self.vae, images, drawn, margin, self.factor, self.device)
        return self.family.normalised(self.vae, latents)[held.places]

    @torch.inference_mode()
    def add_noise(self, latents: Tensor, noise: Tensor, sampling: Sampling) -> Tensor:
        held = self.held(len(latents))
        return super().add_noise(latents, noise[held.firsts][held.places], sampling)

    def joined(self, latents: Tensor) -> Tensor:
        """[1, c, latent frames, h, w]."""
        return latents[self.held(len(latents)).firsts].transpose(0, 1)[None]

    def states_of(self, x: Tensor, frames: int) -> Tensor:
        return x[0].transpose(0, 1)[self.held(frames).places]

    def tokens_of(self, tokens: Tensor, x: Tensor, frames: int) -> Tensor:
        return tokens[0].unflatten(0, (x.shape[2], -1))[self.held(frames).places]
