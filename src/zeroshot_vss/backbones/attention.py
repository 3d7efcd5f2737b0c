"""Self-attention with given queries and keys: passes that share them share the softmax, too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHTS_AT_ONCE = 2**18
"""Attention weights that are held at a time, what a core's own cache holds; more queries are done in slices."""


class GivenAttention:
    """A processor of diffusers' `Attention` whose queries and keys come from another pass (injection).

    Modulated passes of one frame differ in their values only. On a CPU softmax(q k^T) is computed once for all of
    them; on a GPU, where reading it again costs as much as PyTorch's fused kernel, and in half precision, which must
    not round it, each pass has its own.

    Args:
        queries, keys: [r, n, channels] as `to_q` and `to_k` gave them, all heads beside each other.
        rows: [m], which of the r each of the m inputs uses.
    """

    def __init__(self, queries: Tensor, keys: Tensor, rows: Tensor) -> None:
        self.queries, self.keys, self.rows = queries, keys, rows

    def __call__(self, attn: Any, hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """Attention output [m, n, channels] of inputs [m, n, channels]."""
        values: Tensor = attn.to_v(hidden_states).unflatten(-1, (attn.heads, -1))
        shared = values.device.type == "cpu" and values.dtype == torch.float32
        output = self._shared(values, attn.scale) if shared else self._fused(values, attn.scale)
        return attn.to_out[1](attn.to_out[0](output.flatten(2)))

    def _fused(self, values: Tensor, scale: float) -> Tensor:
        heads = values.shape[2]
        query, key = (t[self.rows].unflatten(-1, (heads, -1)).transpose(1, 2) for t in (self.queries, self.keys))
        return F.scaled_dot_product_attention(query, key, values.transpose(1, 2), scale=scale).transpose(1, 2)

    def _shared(self, values: Tensor, scale: float) -> Tensor:
        output = torch.empty_like(values)
        heads = values.shape[2]
        for row in self.rows.unique():
            query, key = (t[row].unflatten(-1, (heads, -1)).transpose(0, 1) for t in (self.queries, self.keys))
            places = torch.nonzero(self.rows == row)[:, 0].tolist()
            at_once = max(WEIGHTS_AT_ONCE // (heads * key.shape[1]), 1)
            for first in range(0, query.shape[1], at_once):
                some = slice(first, first + at_once)
                weights = torch.softmax(scale * query[:, some] @ key.transpose(1, 2), -1)
                # One product a pass, so that a pass's sums do not depend on how many are beside it.
                for place in places:
                    output[place, some] = (weights @ values[place].transpose(0, 1)).transpose(0, 1)
        return output

    @staticmethod
    def serves(attn: Any) -> bool:
        """Whether an attention layer is of the plain kind that this stands for, as in Stable Diffusion."""
        plain = attn.norm_q is None and attn.norm_k is None and attn.group_norm is None and attn.spatial_norm is None
        return plain and not attn.residual_connection and attn.rescale_output_factor == 1


@contextmanager
def attending(processors: Mapping[Any, GivenAttention]) -> Iterator[None]:
    """Give attention layers other processors, in the forward passes made inside."""
    own = {attn: attn.processor for attn in processors}
    for attn, processor in processors.items():
        attn.processor = processor
    try:
        yield
    finally:
        for attn, processor in own.items():
            attn.processor = processor
