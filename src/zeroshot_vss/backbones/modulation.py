"""Equations 2 and 6: what a modulated pass does differently from the plain one."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def modulate(output: Tensor, masks: Tensor, strengths: Tensor, shift: Tensor) -> Tensor:
    """Equation 2: a layer's output with +lambda M or -lambda M added.

    Args:
        output: [parts * m, c, h, w] of m passes, the guidance halves outermost.
        masks: [m, 1, h', w'] of 0 and 1; resized to the output (nearest).
        strengths: [m], +lambda or -lambda.
        shift: [c], by how much each channel moves for a lambda of 1: ones where the output is the attention's own,
            the row sums of what follows where it is a later layer's (`Decoder.shift`).
    """
    amount = strengths[:, None, None, None] * F.interpolate(masks, output.shape[-2:], mode="nearest")
    shifts = amount * shift[:, None, None]
    return output + shifts.repeat(len(output) // len(masks), 1, 1, 1).to(output.dtype)


def blend(unmodulated: Tensor, modulated: Tensor, masks: Tensor) -> Tensor:
    """Equation 6: z (1 - M) + z^ M for latents [m, c, h, w] and masks [m, 1, h, w] of their size."""
    return masks * modulated + (1 - masks) * unmodulated
