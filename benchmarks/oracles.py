"""Which part of the method loses an object: grid, clusters or context model, on the sequences settings are chosen on.

    python -m benchmarks.oracles --root DAVIS --sequences bear bus ... [--model models/scenes-tiny] [--height 192]
                                 [--margin 32] [--start 15] [--frames N] [--clusters K ...] [--explained SHARE ...]
                                 [--beside POSITION,COLOUR ...] [--parts N]
                                 [--carry none paper direct memory propagation]

J and F are means over the frames after the first, then over the sequences; upsampling is bilinear. Rows: the first
mask copied; the true cells of every frame (the grid's limit); clusters of the first frame that are named by every
frame's own truth (what clusters lose); the first frame's true cells carried on by the context model (what carrying
loses); the method. The last two once for each way to carry: without CBR, by the equations, by direct matches, with
these and the first frame in memory, and by label propagation. `--beside` gives the weights of place and colour;
`--parts` makes so many by so many cells of each, on which label propagation alone works.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from zeroshot_vss.backbones.loading import load_backbone
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.classifiers.base import LabelClassifier
from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.datasets.davis import Davis, DavisOptions
from zeroshot_vss.io.progress import progress
from zeroshot_vss.method.batches import Row, cut
from zeroshot_vss.method.context import (
    assign_labels,
    carry_labels,
    choose_clusters,
    cluster,
    normalise_tokens,
)
from zeroshot_vss.method.correspondence import (
    direct_matches,
    pair_matches,
    vote_along_matches,
    vote_on_direct_matches,
)
from zeroshot_vss.method.descriptors import append_colours, append_place, cell_colours, split_cells, spread_of
from zeroshot_vss.method.latents import network_size, start_of
from zeroshot_vss.method.propagation import propagate_labels
from zeroshot_vss.metrics.boundary import boundary_f
from zeroshot_vss.metrics.davis import region_j
from zeroshot_vss.settings.batches import Batches
from zeroshot_vss.settings.propagation import Propagation
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.upsamplers.bilinear import bilinear_labels

BLOCKS, SEED, WINDOW = (6, 7, 8), 1, 2.0
WAYS = ("none", "paper", "direct", "memory", "propagation")
"""To carry labels: without CBR, by equations 3 to 5, by direct matches, with these and the first frame in memory, by
label propagation."""
Maps = NDArray[np.uint8]


class Sample(NamedTuple):
    """A clip's truth, tokens and colours."""

    clip: Clip
    truth: Maps
    """[n, H, W]: 1 for the object."""
    tokens: NDArray[np.float32]
    """[n, h, w, channels], mean of the blocks."""
    matched: torch.Tensor
    """[n, h * w, channels] of block 7, for CBR."""
    colours: NDArray[np.float32]
    """[n, h, w, 3] of the cells."""


def read(clip: Clip, frames: int, backbone: Any, sampling: Sampling, split: int) -> Sample:
    """Compute what a row needs of a clip's first frames."""
    count = min(frames, len(clip))
    truth = np.stack([np.asarray(clip.labels(i)) != 0 for i in range(count)]).astype(np.uint8)
    queries: list[list[torch.Tensor]] = [[] for _ in BLOCKS]
    for first in range(0, count, 7):
        rows = [Row(i, 0) for i in range(first, min(first + 7, count))]
        wanted = [(block, sampling.start) for block in BLOCKS]
        with torch.no_grad():
            start = start_of(backbone, clip, rows, sampling)
            plain = backbone.denoise(start, sampling, wanted, last=sampling.start)
        for kept, key in zip(queries, wanted, strict=True):
            kept.append(plain.queries[key].half())
    blocks = [torch.cat(some) for some in queries]
    grid = backbone.grid(*network_size(clip, backbone, sampling), BLOCKS[0])
    mean = torch.stack([b.float() for b in blocks]).mean(0).unflatten(1, grid).numpy()
    tokens = split_cells(normalise_tokens(mean), split)
    colours = cell_colours(clip.frames(range(count)), tokens.shape[1:3])
    return Sample(clip, truth, tokens, blocks[1].float(), colours)


def described(sequence: Sample, place: float, colour: float) -> NDArray[np.float32]:
    """Tokens with place and colour beside them; a weight of 0 leaves one out."""
    tokens = sequence.tokens
    spread = spread_of(tokens[:1])
    if place:
        tokens = append_place(tokens, place, spread)
    if colour:
        tokens = append_colours(tokens, sequence.colours, sequence.colours[0], colour, spread)
    return tokens


def small(sequence: Sample, frame: int) -> Maps:
    """The true cells of a frame: clusters of one cell each, named."""
    grid = sequence.tokens.shape[1:3]
    return assign_labels(np.arange(grid[0] * grid[1]).reshape(grid), sequence.truth[frame]).astype(np.uint8)


def true_cells(sequence: Sample) -> Maps:
    """[n, h, w] of every frame."""
    return np.stack([small(sequence, i) for i in range(len(sequence.truth))])


def named_clusters(sequence: Sample, tokens: NDArray[np.float32], clusters: int) -> Maps:
    """The first frame's clusters, found again by their centres and named by the truth of every frame."""
    model: Any = cluster(tokens[0].reshape(-1, tokens.shape[-1]), clusters, SEED)
    labels = [model.predict(t.reshape(-1, t.shape[-1])).reshape(t.shape[:2]) for t in tokens]
    return np.stack([assign_labels(c, t) for c, t in zip(labels, sequence.truth, strict=True)]).astype(np.uint8)


def carried(sequence: Sample, tokens: NDArray[np.float32], first: Maps, way: str) -> Maps:
    """The first frame's labels carried on by the context model, in one of the `WAYS`."""
    batches = cut(len(tokens), Batches())
    grid = (tokens.shape[1], tokens.shape[2])

    def refine(number: int, maps: NDArray[np.int64]) -> NDArray[np.int64]:
        matched = sequence.matched[batches[number][0] : batches[number][-1] + 1]
        if way == "paper":
            return vote_along_matches(maps, pair_matches(matched, grid, WINDOW))
        return maps if way == "none" else vote_on_direct_matches(maps, direct_matches(matched, grid, WINDOW))

    shown = (tokens[b] for b in batches)
    if way == "propagation":
        return np.concatenate(list(propagate_labels(shown, first, Propagation()))).astype(np.uint8)
    carry = carry_labels(shown, first, LabelClassifier("knn", {}, SEED), refine, way == "memory")
    return np.concatenate(list(carry)).astype(np.uint8)


def method(sequence: Sample, tokens: NDArray[np.float32], clusters: int, way: str) -> Maps:
    """The coarse maps of the method."""
    model: Any = cluster(tokens[0].reshape(-1, tokens.shape[-1]), clusters, SEED)
    first = assign_labels(model.labels_.reshape(tokens.shape[1:3]), sequence.truth[0])
    return carried(sequence, tokens, first.astype(np.uint8), way)


def chosen(tokens: NDArray[np.float32], share: float) -> int:
    """Automatic K of the first frame."""
    return choose_clusters(tokens[0].reshape(-1, tokens.shape[-1]), share, 255, SEED)


def scores(sequence: Sample, full: Maps) -> tuple[float, float]:
    """J and F in % over the frames after the first."""
    pairs = list(zip(sequence.truth[1:] == 1, full[1:] == 1, strict=True))
    return 100 * float(np.mean([region_j(*p) for p in pairs])), 100 * float(np.mean([boundary_f(*p) for p in pairs]))


def weights(text: str) -> tuple[float, float]:
    """Those of place and colour, as in `0.5,1`."""
    place, colour = text.split(",")
    return float(place), float(colour)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--sequences", nargs="+", required=True)
    parser.add_argument("--split", default="train", choices=["train", "val"])
    parser.add_argument("--model", type=Path, default=Path("models/scenes-tiny"))
    parser.add_argument("--height", type=int, default=192)
    parser.add_argument("--margin", type=int, default=32)
    parser.add_argument("--start", type=int, default=15, help="of 17 steps")
    parser.add_argument("--frames", type=int, default=10_000)
    parser.add_argument("--clusters", type=int, nargs="+", default=[255])
    parser.add_argument("--explained", type=float, nargs="*", default=[], help="rows with automatic K, at most 255")
    parser.add_argument("--beside", type=weights, nargs="*", default=[(0.5, 1.0)], help="weights of place and colour")
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--carry", nargs="+", default=list(WAYS), choices=WAYS)
    args = parser.parse_args()
    if args.parts > 1 and set(args.carry) & {"paper", "direct", "memory"}:
        parser.error("matches of CBR are of whole cells: --parts takes --carry none propagation")
    backbone = load_backbone(BackboneSpec(name="model", path=str(args.model)), torch.device("cpu"))
    sampling = Sampling(
        guidance=1.0, steps=17, start=args.start, noise="clip", height=args.height, margin=args.margin
    )
    data = Davis(DavisOptions.model_validate({"root": args.root, "year": 2016, "split": args.split}))
    read_all = [read(data.clip(n), args.frames, backbone, sampling, args.parts)
                for n in progress(args.sequences, lambda _: 1, "features")]  # fmt: skip
    table = Table("row", "J", "F", *args.sequences, title=f"{args.model.name}, height {args.height}")

    def add(name: str, full: Callable[[Sample], Maps]) -> None:
        values = np.array([scores(s, full(s)) for s in read_all])
        cells = [f"{value:.1f}" for value in values.mean(0)] + [f"{j:.0f}" for j in values[:, 0]]
        table.add_row(name, *cells)

    def up(s: Sample, maps: Maps) -> Maps:
        return np.stack([bilinear_labels(m, s.clip.size) for m in maps])

    add("first mask copied", lambda s: np.repeat(s.truth[:1], len(s.truth), 0))
    add("true cells of every frame", lambda s: up(s, true_cells(s)))
    for place, colour in ((0.0, 0.0), *args.beside):
        beside = f", position {place:g}" * bool(place) + f", colour {colour:g}" * bool(colour)

        def tokens(s: Sample, place: float = place, colour: float = colour) -> NDArray[np.float32]:
            return described(s, place, colour)

        for way in args.carry:
            add(
                f"true first cells, carried, {way}{beside}",
                lambda s, t=tokens, way=way: up(s, carried(s, t(s), small(s, 0), way)),
            )
        for k in args.clusters:
            add(
                f"clusters named in every frame, K {k}{beside}",
                lambda s, t=tokens, k=k: up(s, named_clusters(s, t(s), k)),
            )
            for way in args.carry:
                add(
                    f"the method, K {k}, {way}{beside}",
                    lambda s, t=tokens, k=k, way=way: up(s, method(s, t(s), k, way)),
                )
        for share in args.explained:
            for way in args.carry:
                add(
                    f"the method, K for {share:.0%}, {way}{beside}",
                    lambda s, t=tokens, share=share, way=way: up(s, method(s, t(s), chosen(t(s), share), way)),
                )
    Console(width=200).print(table)


if __name__ == "__main__":
    main()
