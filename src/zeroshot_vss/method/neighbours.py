"""The nearest-neighbour classifier in blocked matrix products, on the device.

Its labels are those of scikit-learn, which multiplies in double precision on the CPU. Here single precision finds
candidates, and bounds of its rounding errors say which answers it could change; those are decided in double
precision. Tokens at exactly the same distance are taken in their order (scikit-learn's choice among them depends on
what else is asked in the call).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

SCORES_AT_ONCE = 2**26
"""Scores (pairs of a query and a fitted token) that are held at a time."""
CANDIDATES = 4
"""Candidates for each neighbour."""


class Neighbours:
    """The majority label of the k nearest tokens; the smallest of equally voted labels.

    Args:
        count: k; not more than the tokens that will be fitted.
        device: where the products are made. It changes no label.
    """

    def __init__(self, count: int, device: torch.device | str = "cpu") -> None:
        self.count, self.device = count, torch.device(device)
        self.in_double = self.in_full = 0
        """Queries of the last :meth:`predict` whose candidates, or all tokens, were compared in double precision."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.integer]) -> Neighbours:
        """Take tokens [n, channels] and their labels [n].

        Raises:
            ValueError: a token is not finite.
        """
        self.names, codes = np.unique(y, return_inverse=True)
        self.codes = torch.from_numpy(codes.reshape(-1)).to(self.device)
        self.tokens = finite_tensor(X, self.device)
        self.squares = _squares(self.tokens)
        return self

    def predict(self, X: NDArray[np.float32]) -> NDArray[Any]:
        """Labels [m] of queries [m, channels].

        Raises:
            ValueError: a query is not finite.
        """
        self.in_double = self.in_full = 0
        at_once = max(SCORES_AT_ONCE // len(self.tokens), 1)
        with torch.inference_mode(), whole_single_precision():
            answers = [self._answers(queries) for queries in finite_tensor(X, self.device).split(at_once)]
        return self.names[torch.cat(answers).cpu().numpy()]

    def _answers(self, queries: Tensor) -> Tensor:
        """Index of the label of each query [q, channels]."""
        # |y|^2 - 2 x y orders the tokens y as their distances to x do.
        scores = torch.addmm(self.squares.float(), queries, self.tokens.T, alpha=-2)
        near, index = scores.topk(min(CANDIDATES * self.count, len(self.tokens)), 1, largest=False)
        # The k nearest have true scores of at most near[k] + slack, so their computed scores are within two slacks.
        limit = near[:, self.count - 1] + 2 * self._slack(queries)
        whole = near[:, -1] > limit
        codes = self.codes[index]
        agreed = whole & ((codes == codes[:, :1]) | (near > limit[:, None])).all(1)
        answers = codes[:, 0]
        for rows in torch.nonzero(whole & ~agreed)[:, 0].split(1024):
            self.in_double += len(rows)
            some = index[rows].sort(1).values
            distances = _distances(queries[rows, None], self.tokens[some])[:, 0]
            answers[rows] = self._vote(distances, self.codes[some])
        for rows in torch.nonzero(~whole)[:, 0].split(1024):
            self.in_full += len(rows)
            distances = _distances(queries[rows], self.tokens)
            answers[rows] = self._vote(distances, self.codes.expand(len(rows), -1))
        return answers

    def _vote(self, distances: Tensor, codes: Tensor) -> Tensor:
        nearest = distances.argsort(dim=1, stable=True)[:, : self.count]
        return F.one_hot(codes.gather(1, nearest), len(self.names)).sum(1).argmax(1)

    def _slack(self, queries: Tensor) -> Tensor:
        """[q], how far |y|^2 - 2 x y in single precision may be off, whatever the order of its sums."""
        number, channels = torch.finfo(torch.float32), queries.shape[1]
        largest, lengths = self.squares.max().sqrt(), _squares(queries).sqrt()
        return number.eps * largest * (3 * largest + 2 * (channels + 4) * lengths) + number.tiny * channels


def finite_tensor(tokens: NDArray[np.float32], device: torch.device | str) -> Tensor:
    """Tokens on a device.

    Raises:
        ValueError: one is not finite.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(tokens)).to(device)
    if not torch.isfinite(tensor).all():
        raise ValueError("a token holds NaN or infinity; check the features' precision")
    return tensor


def _squares(tokens: Tensor) -> Tensor:
    return tokens.double().square().sum(1)


def _distances(queries: Tensor, tokens: Tensor) -> Tensor:
    """Distances in double precision, from differences: equal tokens have equal ones."""
    return torch.cdist(queries.double(), tokens.double(), compute_mode="donot_use_mm_for_euclid_dist")


@contextmanager
def whole_single_precision() -> Iterator[None]:
    """No TF32 on GPUs: the bounds assume it."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
