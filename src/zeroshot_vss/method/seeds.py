"""The one place where random numbers of the method come from.

A number depends on the seed, on what it is for and on an index, never on batch size, job split or order.
"""

from __future__ import annotations

import zlib
from typing import Literal

import numpy as np
import torch
from torch import Tensor

Purpose = Literal["posterior", "noise", "condition"]


def gaussian(shape: tuple[int, ...], seed: int, purpose: Purpose, index: int) -> Tensor:
    """Standard normal float32 numbers of the given shape, the same wherever they are drawn."""
    rng = np.random.default_rng([seed, zlib.crc32(purpose.encode()), index])
    return torch.from_numpy(rng.standard_normal(shape, dtype=np.float32))
