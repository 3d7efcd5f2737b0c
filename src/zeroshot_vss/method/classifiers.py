"""Classifiers of the context model: scikit-learn estimators by name. Adding one is a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from zeroshot_vss.errors import InputError
from zeroshot_vss.method.context import Classifier

if TYPE_CHECKING:
    import torch

CLASSIFIERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "knn": (KNeighborsClassifier, {"n_neighbors": 4}),
    "mlp": (MLPClassifier, {"hidden_layer_sizes": (64,), "max_iter": 200}),
    "random-forest": (RandomForestClassifier, {"n_estimators": 100}),
    "logistic-regression": (LogisticRegression, {"max_iter": 500}),
    "nearest-centroid": (NearestCentroid, {}),
    "linear-svm": (LinearSVC, {}),
}
"""Name to estimator and the options that differ from scikit-learn's defaults."""

TREES_BELOW = 16
"""With fewer channels scikit-learn searches trees, which is faster than matrix products."""


def make_classifier(name: str, options: Mapping[str, Any], seed: int) -> Classifier:
    """A fresh classifier; `options` go over the defaults, `seed` to those that draw random numbers
    (unless they name a `random_state`).

    Raises:
        InputError: unknown name, or an option that the estimator does not have.
    """
    if name not in CLASSIFIERS:
        raise InputError(f"unknown classifier {name!r}; known: {', '.join(CLASSIFIERS)}")
    factory, defaults = CLASSIFIERS[name]
    estimator = factory(**defaults)
    known = estimator.get_params()
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"classifier {name!r} has no option {unknown[0]!r}; it has: {', '.join(sorted(known))}")
    seeded = {"random_state": seed} if "random_state" in known else {}
    return estimator.set_params(**(seeded | dict(options)))


class Guarded:
    """A classifier that also serves training sets it was not made for.

    One label only (most estimators refuse that): it is the answer. Fewer tokens than neighbours: all are taken.

    Args:
        name, options, seed: see :func:`make_classifier`.
        device: where nearest neighbours are searched. The labels are the same on all of them.
    """

    def __init__(self, name: str, options: Mapping[str, Any], seed: int, device: torch.device | str = "cpu") -> None:
        self.make = lambda: make_classifier(name, options, seed)
        self.device = device

    def fit(self, X: Any, y: Any) -> Guarded:
        self.only = y[0] if (y == y[0]).all() else None
        if self.only is None:
            self.estimator: Any = self.make()
            if isinstance(self.estimator, KNeighborsClassifier):
                self.estimator.set_params(n_neighbors=min(self.estimator.n_neighbors, len(y)))  # pyright: ignore[reportArgumentType]
                self.estimator = self._by_products(self.estimator, X)
            self.estimator.fit(X, y)
        return self

    def _by_products(self, estimator: KNeighborsClassifier, tokens: Any) -> Any:
        plain = KNeighborsClassifier(n_neighbors=estimator.n_neighbors).get_params()  # pyright: ignore[reportArgumentType]
        asked = estimator.get_params() | {"n_jobs": plain["n_jobs"]}
        if asked != plain or tokens.dtype != np.float32 or tokens.shape[1] < TREES_BELOW:
            return estimator
        # Imported here: torch takes seconds, and the baselines' few channels need none.
        from zeroshot_vss.method.neighbours import Neighbours

        return Neighbours(asked["n_neighbors"], self.device)

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.only) if self.only is not None else self.estimator.predict(X)
