"""The scene context model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from zeroshot_vss.classifiers import CLASSIFIERS
from zeroshot_vss.settings.base import Blocks, Clusters, Positive, Seed, Settings
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.propagation import Propagation

ClassifierName = Annotated[str, AfterValidator(CLASSIFIERS.known)]


class ContextModel(Settings):
    """K-Means on the first frame and the classifier that carries its labels on."""

    blocks: Blocks = (6, 7, 8)
    """One block, or several whose mean is taken (feature aggregation). In a configuration also `single`: the
    backbone's `single_block`."""
    clusters: Clusters = 20
    """K; 30 on Cityscapes. More clusters find smaller objects, up to where they split classes (figure 14)."""
    explained: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Automatic K: the fewest clusters that explain this share of the tokens' variance, at most `clusters`. null
    takes `clusters` as they are."""
    position: Annotated[float, Field(gt=0)] | None = None
    """Beyond the paper: weight of a cell's row and column as further channels of its token, in parts of the spread of
    the first frame's tokens. null leaves tokens as they are."""
    colour: Annotated[float, Field(gt=0)] | None = None
    """Beyond the paper: weight of a cell's mean colour (CIELAB) as further channels of its token, in parts of the
    spread of the first frame's tokens. null leaves tokens as they are."""
    split: Annotated[int, Field(ge=2)] | None = None
    """Beyond the paper: each cell becomes so many by so many, whose tokens are interpolated bilinearly; with `colour`
    they differ where the frame does. Only without CBR. null leaves cells as they are."""
    propagation: Propagation | None = None
    """Beyond the paper: label propagation in place of the classifier and CBR (`refinement: null`): soft votes of the
    most similar cells of the frames before and of the first. null has the classifier."""
    memory: Literal["first-frame"] | None = None
    """Beyond the paper: the first frame and its labels stay among what the classifier is fitted on, beside the batch
    before. null leaves the batch before alone."""
    initialisations: Positive = 10
    """K-Means runs, of which the best is kept."""
    fit: Literal["first-frame", "first-batch"] = "first-frame"
    """Frames on which K-Means is fitted; `released` takes the whole first batch."""
    classifier: ClassifierName = "knn"
    """What carries the first frame's labels on ([docs/adding-a-classifier.md](../docs/adding-a-classifier.md))."""
    classifier_options: dict[str, Any] = {}
    """Handed to the scikit-learn estimator."""
    components: Positive | None = None
    """Shortcut: the classifier sees this many principal components of the tokens (fitted on those of K-Means)."""
    batches: Batches = Batches()
    """How a clip is cut into batches."""
    seed: Seed = 1
    """Of K-Means and of the classifier; the configuration's `seed`."""

    @model_validator(mode="after")
    def _consistent(self) -> ContextModel:
        if self.propagation and (self.memory or self.components):
            name = "memory" if self.memory else "components"
            raise ValueError(f"{name} is of the classifier, which propagation replaces; leave one of them null")
        return self
