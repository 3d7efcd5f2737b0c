"""As much in one call as a GPU's memory holds, which is found by trying."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import torch

_T = TypeVar("_T")


class AdaptiveBatches:
    """Does work in batches; where a GPU runs out of memory batches of half the size do, for good.

    Args:
        most: items in one batch; None for all that there are.
    """

    def __init__(self, most: int | None = None) -> None:
        self.most = most

    def parts(self, count: int, work: Callable[[slice], _T], at_most: int | None = None) -> Iterator[_T]:
        """What `work` gives for slices that together hold `count` items, in order; `at_most` holds for this call.

        Raises:
            torch.cuda.OutOfMemoryError: a single item does not fit.
        """
        first = 0
        while first < count:
            size = min(count - first, self.most or count, at_most or count)
            try:
                result = work(slice(first, first + size))
            except torch.cuda.OutOfMemoryError:
                if size == 1:
                    raise
                self.most = (size + 1) // 2
            else:
                yield result
                first += size
                continue
            # Here, where the failed call's tensors are gone with its exception.
            torch.cuda.empty_cache()
