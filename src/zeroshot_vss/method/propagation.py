"""Label propagation in place of the classifier and CBR: soft votes that are carried from frame to frame.

Not the paper's: how labels are carried in tests of features on DAVIS (Jabri, Owens and Efros 2020).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.method.context import Floats, Labels
from zeroshot_vss.method.neighbours import SCORES_AT_ONCE, finite_tensor, whole_single_precision
from zeroshot_vss.settings.propagation import Propagation


class Voters(NamedTuple):
    """The cells of one frame."""

    tokens: Tensor
    """[cells, channels], of length 1."""
    votes: Tensor
    """[cells, labels], which sum to 1."""


def propagate_labels(
    batches: Iterable[Floats],
    first_labels: NDArray[np.integer],
    settings: Propagation,
    device: torch.device | str = "cpu",
) -> Iterator[Labels]:
    """Each cell takes the votes of the cells most similar to it in the first frame and in those just before.

    A cell's votes are the mean of its neighbours' votes, weighted by softmax(cosine similarity / temperature); they
    stay soft as they are carried on. Similarity is that of directions from the mean token of the first frame.

    Args:
        batches: [n, h, w, channels] tokens of each batch, in the order of frames.
        first_labels: [h, w] labels of the first frame.
        settings: how many frames and neighbours vote, and the temperature.
        device: where similarities are computed; rounding there may decide between labels with all but equal votes.

    Yields:
        [n, h, w] labels of each batch, those with most votes; ties go to the smallest label.

    Raises:
        ValueError: a token is not finite.
    """
    names, codes = np.unique(first_labels, return_inverse=True)
    first: Voters | None = None
    mean = np.zeros(0, np.float32)
    recent: deque[Voters] = deque(maxlen=settings.frames)
    for batch in batches:
        labels = []
        for frame in batch:
            flat = frame.reshape(-1, frame.shape[-1])
            if first is None:
                mean = flat.mean(0)
            tokens = F.normalize(finite_tensor(flat - mean, device), dim=1)
            if first is None:
                votes = F.one_hot(torch.from_numpy(codes.reshape(-1)).to(device), len(names)).float()
                first = Voters(tokens, votes)
            else:
                votes = gather_votes(tokens, [first, *recent], settings)
                recent.append(Voters(tokens, votes))
            labels.append(names[votes.argmax(1).cpu().numpy()].reshape(frame.shape[:2]))
        yield np.stack(labels).astype(np.int64)


def gather_votes(tokens: Tensor, voters: list[Voters], settings: Propagation) -> Tensor:
    """Votes [cells, labels] on tokens [cells, channels] of length 1, see `propagate_labels`."""
    others, votes = (torch.cat(parts) for parts in zip(*voters, strict=True))
    count = min(settings.neighbours, len(others))
    gathered = []
    with torch.inference_mode(), whole_single_precision():
        for some in tokens.split(max(SCORES_AT_ONCE // len(others), 1)):
            similar, index = (some @ others.T).topk(count, 1)
            weights = (similar / settings.temperature).softmax(1)
            gathered.append(F.embedding_bag(index, votes, mode="sum", per_sample_weights=weights))
    return torch.cat(gathered)
