"""How the context model makes and uses a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from zeroshot_vss.classifiers import CLASSIFIERS
from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import did_you_mean

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.method.context import Classifier


def make_classifier(name: str, options: Mapping[str, Any], seed: int) -> Classifier:
    """A fresh classifier; `options` go over the defaults, `seed` to those that draw random numbers
    (unless they name a `random_state`).

    Raises:
        InputError: unknown name, or an option that the estimator does not have.
    """
    estimator = CLASSIFIERS.load(name)()
    known = estimator.get_params()
    if unknown := sorted(set(options) - set(known)):
        raise InputError(
            f"classifier {name!r} has no option {unknown[0]!r}{did_you_mean(unknown[0], known)}; "
            f"it has: {', '.join(sorted(known))}"
        )
    seeded = {"random_state": seed} if "random_state" in known else {}
    return estimator.set_params(**(seeded | dict(options)))


class LabelClassifier:
    """A classifier that also serves training sets of a single label, which most estimators refuse.

    Args:
        name, options, seed: see :func:`make_classifier`.
        device: where estimators compute that can use one. The labels are the same on all of them.
    """

    def __init__(self, name: str, options: Mapping[str, Any], seed: int, device: torch.device | str = "cpu") -> None:
        self.make = lambda: make_classifier(name, options, seed)
        self.device = device

    def fit(self, X: Any, y: Any) -> LabelClassifier:
        self.only = y[0] if (y == y[0]).all() else None
        if self.only is None:
            self.estimator: Any = self.make()
            if hasattr(self.estimator, "device"):
                self.estimator.device = self.device
            self.estimator.fit(X, y)
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.only) if self.only is not None else self.estimator.predict(X)
