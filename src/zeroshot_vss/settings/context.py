"""The scene context model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from zeroshot_vss.classifiers import CLASSIFIERS
from zeroshot_vss.settings.base import NonNegative, Positive, Settings
from zeroshot_vss.settings.batches import Batches

ClassifierName = Annotated[str, AfterValidator(CLASSIFIERS.known)]


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
    """A key of :data:`zeroshot_vss.classifiers.CLASSIFIERS`."""
    classifier_options: dict[str, Any] = {}
    """Handed to the scikit-learn estimator."""
    components: Positive | None = None
    """Shortcut: the classifier sees this many principal components of the tokens (fitted on those of K-Means)."""
    batches: Batches = Batches()
    seed: NonNegative = 1
