"""K nearest neighbours, the paper's classifier; searched by matrix products where that gives the same labels."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.neighbors import KNeighborsClassifier

NEIGHBOURS = 4
TREES_BELOW = 16
"""With fewer channels scikit-learn searches trees, which is faster than matrix products."""


class NearestNeighbours(KNeighborsClassifier):
    """scikit-learn's estimator, which takes all tokens where there are fewer than neighbours.

    Attributes:
        device: where neighbours are searched. The labels are the same on all of them.
    """

    device: Any = "cpu"

    def fit(self, X: Any, y: Any) -> NearestNeighbours:
        self.set_params(n_neighbors=min(self.n_neighbors, len(y)))  # pyright: ignore[reportArgumentType]
        self._searched = self._by_products(X)
        if self._searched is None:
            super().fit(X, y)
        else:
            self._searched.fit(X, y)
        return self

    def _by_products(self, tokens: Any) -> Any:
        """A search by matrix products, where no option asks for another metric or weighting."""
        plain = KNeighborsClassifier(n_neighbors=self.n_neighbors).get_params()  # pyright: ignore[reportArgumentType]
        asked = self.get_params() | {"n_jobs": plain["n_jobs"]}
        if asked != plain or tokens.dtype != np.float32 or tokens.shape[1] < TREES_BELOW:
            return None
        # Imported here: torch takes seconds, and the baselines' few channels need none.
        from zeroshot_vss.method.neighbours import Neighbours

        return Neighbours(asked["n_neighbors"], self.device)

    def predict(self, X: Any) -> Any:
        return super().predict(X) if self._searched is None else self._searched.predict(X)


def make() -> NearestNeighbours:
    """The estimator with the paper's number of neighbours."""
    return NearestNeighbours(n_neighbors=NEIGHBOURS)
