"""A clip's tokens as the context model sees them."""

from __future__ import annotations

from collections.abc import Sequence

from zeroshot_vss.datasets import Clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.context import Floats, normalise_tokens
from zeroshot_vss.method.descriptors import append_colours, append_place, cell_colours, split_cells, spread_of
from zeroshot_vss.settings.context import ContextModel
from zeroshot_vss.stages.cache import FeatureCache


class DescribedTokens:
    """Aggregated and normalised tokens of a batch, with the place and the colour of their cells where these are set.

    Args:
        clip: whose frames are read for colours.
        cache: its features.
        rows: of each batch.
        settings: of the context model.
    """

    def __init__(
        self, clip: Clip, cache: FeatureCache, rows: Sequence[Sequence[Row]], settings: ContextModel
    ) -> None:
        self._clip, self._cache, self._rows, self._settings = clip, cache, rows, settings
        parts = settings.split or 1
        self.grid = cache.grid[0] * parts, cache.grid[1] * parts
        self.cells = self.grid[0] * self.grid[1]
        if settings.position is not None or settings.colour is not None:
            self._spread = spread_of(self._plain(rows[0][:1]))
        if settings.colour is not None:
            self._first_colours = cell_colours(clip.frames([0]), self.grid)[0]

    def __call__(self, number: int) -> Floats:
        """Tokens [n, h, w, channels] of a batch, `grid` in size."""
        settings, rows = self._settings, self._rows[number]
        tokens = self._plain(rows)
        if settings.position is not None:
            tokens = append_place(tokens, settings.position, self._spread)
        if settings.colour is not None:
            frames = self._clip.frames([row.frame for row in rows])
            colours = cell_colours(frames, self.grid)
            tokens = append_colours(tokens, colours, self._first_colours, settings.colour, self._spread)
        return tokens

    def _plain(self, rows: Sequence[Row]) -> Floats:
        tokens = normalise_tokens(self._cache.aggregated(self._settings.blocks, rows))
        return tokens if self._settings.split is None else split_cells(tokens, self._settings.split)
