"""What adaptation asks of the queries beside denoising: the same place in two views has the most similar token.

The context model carries labels by the nearest token of earlier frames, so tokens should be nearest to those of the
same place. Two views of one frame give exact pairs, by which the views' borders, zoom and colours become
irrelevant (InfoNCE, van den Oord et al. 2018, over the cells of the other view). Two frames of a clip give none, but
walking there and back must end where it began (contrastive random walk, Jabri et al. 2020). No label is used.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zeroshot_vss.training.footage import View

SPREAD = 0.5
"""Standard deviation, in cells, of the place that a token is to recognise: views' cells lie between each other."""


def cells_in_frame(view: View, grid: tuple[int, int]) -> Tensor:
    """Positions [h * w, 2] (row, column) of a view's cell centres, in parts of the frame's sides."""
    rows = view.top + view.side * (torch.arange(grid[0]) + 0.5) / grid[0]
    columns = (torch.arange(grid[1]) + 0.5) / grid[1]
    columns = view.left + view.side * (columns.flip(0) if view.mirrored else columns)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)


def cells_in_view(positions: Tensor, view: View, grid: tuple[int, int]) -> Tensor:
    """The inverse: where positions of the frame lie in a view, in cells (0 the centre of the first)."""
    places = (positions - torch.tensor([view.top, view.left])) / view.side
    if view.mirrored:
        places = torch.stack([places[:, 0], 1 - places[:, 1]], -1)
    return places * torch.tensor(grid) - 0.5


def targets(a: View, b: View, grid: tuple[int, int], spread: float) -> tuple[Tensor, Tensor]:
    """Where the cells of view a are in view b of the same frame.

    Returns:
        [n, n] weights over the cells of b, a Gaussian of `spread` cells, rows sum to 1; [n] bool, the cell is in b.
    """
    places = cells_in_view(cells_in_frame(a, grid), b, grid)
    inside = ((places > -0.5) & (places < torch.tensor(grid) - 0.5)).all(-1)
    cells = torch.stack(torch.meshgrid(torch.arange(grid[0]), torch.arange(grid[1]), indexing="ij"), -1).reshape(
        -1, 2
    )
    squared = (places[:, None] - cells[None]).square().sum(-1)
    return torch.softmax(-squared / (2 * spread**2), -1), inside


def view_loss(tokens: Tensor, views: tuple[View, View], grid: tuple[int, int], temperature: float) -> Tensor:
    """Cross-entropy of the similarities [n, n] of two views of one frame against their true pairs, both ways."""
    a, b = F.normalize(tokens, dim=-1)
    logits = a @ b.T / temperature
    losses = []
    for scores, one, other in ((logits, *views), (logits.T, views[1], views[0])):
        wanted, inside = targets(one, other, grid, SPREAD)
        each = -(wanted * scores.log_softmax(-1)).sum(-1)
        losses.append((each * inside).sum() / inside.sum().clamp(min=1))
    return torch.stack(losses).mean()


def walk_loss(tokens: Tensor, views: tuple[View, View], grid: tuple[int, int], temperature: float) -> Tensor:
    """Minus the logarithm of the probability to come back, to the cell or one beside it, over two frames of a clip.

    Cells whose place is outside the other view (as if nothing moved) are left out.
    """
    a, b = F.normalize(tokens, dim=-1)
    logits = a @ b.T / temperature
    losses = []
    for scores, one, other in ((logits, *views), (logits.T, views[1], views[0])):
        back = scores.softmax(-1) @ scores.T.softmax(-1)
        whole = View(0, 0, 1, False)
        places = cells_in_view(cells_in_frame(whole, grid), whole, grid)
        near = (places[:, None] - places[None]).abs().amax(-1) < 1.5
        _, inside = targets(one, other, grid, SPREAD)
        each = -((back * near).sum(-1) + 1e-6).log()
        losses.append((each * inside).sum() / inside.sum().clamp(min=1))
    return torch.stack(losses).mean()
