"""The scene context model."""

from __future__ import annotations

from typing import Any, Literal

from zeroshot_vss.settings.base import NonNegative, Positive, Settings
from zeroshot_vss.settings.batches import Batches

ClassifierName = Literal["knn", "mlp", "random-forest", "logistic-regression", "nearest-centroid", "linear-svm"]
"""Keys of `method.classifiers.CLASSIFIERS`, here so that a wrong one is found before any job runs."""


class ContextModel(Settings):
    """K-Means on the first frame and the classifier that carries its labels on."""

    blocks: tuple[int, ...] = (6, 7, 8)
    """One block, or several whose mean is taken (feature aggregation)."""
    clusters: Positive = 20
    """K. More clusters find smaller objects, up to where they split classes (figure 14)."""
    initialisations: Positive = 10
    fit: Literal["first-frame", "first-batch"] = "first-frame"
    """Frames on which K-Means is fitted; `released` takes the whole first batch."""
    classifier: ClassifierName = "knn"
    classifier_options: dict[str, Any] = {}
    """Handed to the scikit-learn estimator."""
    components: Positive | None = None
    """Shortcut: the classifier sees this many principal components of the tokens (fitted on those of K-Means)."""
    batches: Batches = Batches()
    seed: NonNegative = 1
