"""The nearest-neighbour classifier in blocked matrix products, on the device; the labels are scikit-learn's.

scikit-learn multiplies in double precision on the CPU. Here single precision finds candidates, and bounds of its
rounding errors say which answers it cannot change; the few others are decided in double precision, and ties, about
which rounding alone decides, by scikit-learn itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier
from torch import Tensor

SCORES_AT_ONCE = 2**26
"""Scores (pairs of a query and a fitted token) that are held at a time."""
CANDIDATES = 4
"""Candidates for each neighbour."""


class Neighbours:
    """A plain `KNeighborsClassifier` (Euclidean, equal votes; the smallest of equally voted labels wins).

    Args:
        estimator: decides what rounding leaves open. Not more neighbours than tokens will be fitted.
        device: where the products are made.
    """

    def __init__(self, estimator: KNeighborsClassifier, device: torch.device | str = "cpu") -> None:
        self.estimator, self.device = estimator, torch.device(device)
        self.neighbours: int = estimator.n_neighbors  # pyright: ignore[reportAttributeAccessIssue]
        self.left = 0
        """Queries of the last :meth:`predict` that went to scikit-learn."""

    def fit(self, X: NDArray[np.float32], y: NDArray[np.integer]) -> Neighbours:
        """Take tokens [n, channels] and their labels [n]."""
        self.estimator.fit(X, y)
        self.names, codes = np.unique(y, return_inverse=True)
        self.codes = torch.from_numpy(codes.reshape(-1)).to(self.device)
        self.tokens = torch.from_numpy(np.ascontiguousarray(X)).to(self.device)
        self.squares = _squares(self.tokens)
        self.candidates = min(CANDIDATES * self.neighbours, len(X))
        return self

    def predict(self, X: NDArray[np.float32]) -> NDArray[Any]:
        """Labels [m] of queries [m, channels].

        Raises:
            ValueError: a query is not finite (scikit-learn's message).
        """
        at_once = max(SCORES_AT_ONCE // len(self.tokens), 1)
        with torch.inference_mode(), _exact_products():
            queries = torch.from_numpy(np.ascontiguousarray(X)).to(self.device)
            answers = [self._answers(block) for block in queries.split(at_once)]
        found = torch.cat(answers).cpu().numpy() if answers else np.empty(0, np.int64)
        labels, open_ = self.names[found], found < 0
        self.left = int(open_.sum())
        if self.left:
            labels[open_] = self.estimator.predict(X[open_])
        return labels

    def _answers(self, queries: Tensor) -> Tensor:
        """Index of the label of each query [q, channels], or -1 where rounding could change it."""
        # |y|^2 - 2 x y orders the tokens y as their distances to x do.
        scores = torch.addmm(self.squares.float(), queries, self.tokens.T, alpha=-2)
        near, index = scores.topk(self.candidates, 1, largest=False)
        # The k nearest have true scores of at most near[k] + slack, so their computed scores are within two slacks.
        limit = near[:, self.neighbours - 1, None] + 2 * self._slack(queries, torch.float32)[:, None]
        whole = torch.isfinite(limit[:, 0])
        if self.candidates < len(self.tokens):
            whole &= near[:, -1] > limit[:, 0]
        codes = self.codes[index]
        agreed = whole & ((codes == codes[:, :1]) | (near > limit)).all(1)
        answers = torch.where(agreed, codes[:, 0], -1)
        rest = torch.nonzero(whole & ~agreed)[:, 0]
        answers[rest] = self._in_double(queries[rest], index[rest])
        return answers

    def _in_double(self, queries: Tensor, index: Tensor) -> Tensor:
        """As :meth:`_answers`, of queries whose neighbours are all among the candidates `index` [q, candidates]."""
        difference = queries.double()[:, None] - self.tokens[index].double()
        distances, order = difference.square().sum(-1).sort(1)
        count = self.neighbours
        codes = self.codes[index].gather(1, order)[:, :count]
        voted = F.one_hot(codes, len(self.names)).sum(1).argmax(1)
        if count == self.candidates:
            return voted
        clear = distances[:, count] - distances[:, count - 1] > 4 * self._slack(queries, torch.float64)
        return torch.where(clear, voted, -1)

    def _slack(self, queries: Tensor, dtype: torch.dtype) -> Tensor:
        """[q], how far |y|^2 - 2 x y computed with such numbers may be off, whatever the order of its sums."""
        number, channels = torch.finfo(dtype), queries.shape[1]
        largest, lengths = self.squares.max().sqrt(), _squares(queries).sqrt()
        return number.eps * largest * (3 * largest + 2 * (channels + 4) * lengths) + number.tiny * channels


def _squares(tokens: Tensor) -> Tensor:
    return tokens.double().square().sum(1)


@contextmanager
def _exact_products() -> Iterator[None]:
    """Whole single precision, as the bounds assume: no TF32 on GPUs."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
