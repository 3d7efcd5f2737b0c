"""Frames to latents by an autoencoder of diffusers, with or without noise of its posterior and a margin."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor


def to_images(frames: NDArray[np.uint8]) -> Tensor:
    """Images [n, 3, H, W] float32 in [-1, 1] of frames [n, H, W, 3]."""
    return torch.from_numpy(np.ascontiguousarray(frames)).permute(0, 3, 1, 2).float() / 127.5 - 1


def encode_images(
    vae: Any, images: Tensor, noise: Tensor | None, margin: int, factor: int, device: torch.device
) -> Tensor:
    """Unscaled latents [n, c, h, w] float32 of images [n, 3, H, W] in [-1, 1], in one call.

    Args:
        vae: an autoencoder of diffusers; an `AutoencoderTiny` has no posterior: no noise is drawn.
        images: of the network's size.
        noise: [n, c, h, w], draws from the posterior; None takes its mean.
        margin: pixels by which the images are continued, mirrored; cut off the latents again.
        factor: pixels of a latent's side.
        device: that it is on.
    """
    encoded = vae.encode(_continued(images, margin).to(device, next(vae.encoder.parameters()).dtype))
    inside = (..., *_inside(images, margin, factor))
    if hasattr(encoded, "latents"):
        return encoded.latents[inside].float()
    posterior = encoded.latent_dist
    latents = posterior.mean[inside].float()
    if noise is not None:
        latents = latents + posterior.std[inside].float() * noise.to(device)
    return latents


def encode_clip(
    vae: Any, images: Tensor, noise: Tensor | None, margin: int, factor: int, device: torch.device
) -> Tensor:
    """Unscaled latents [latent frames, c, h, w] float32 of the images [n, 3, H, W] of one clip.

    Args:
        vae: a video autoencoder of diffusers.
        images: as many as its latent frames hold.
        noise: [latent frames, c, h, w].
        margin, factor, device: as for :func:`encode_images`.
    """
    clip = _continued(images, margin).transpose(0, 1)[None]
    posterior = vae.encode(clip.to(device, next(vae.encoder.parameters()).dtype)).latent_dist
    inside = (0, ..., *_inside(images, margin, factor))
    latents = posterior.mean[inside].transpose(0, 1).float()
    if noise is not None:
        latents = latents + posterior.std[inside].transpose(0, 1).float() * noise.to(device)
    return latents


def _continued(images: Tensor, margin: int) -> Tensor:
    return F.pad(images, (margin,) * 4, mode="reflect") if margin else images


def _inside(images: Tensor, margin: int, factor: int) -> tuple[slice, ...]:
    """Rows and columns of the latents that are no margin's."""
    return tuple(slice(margin // factor, (margin + side) // factor) for side in images.shape[-2:])
