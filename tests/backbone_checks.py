"""What every kind of backbone is asked: clips with planted correspondences, and whether a network stays as it was."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from array_clip import ArrayClip
from miniatures import write_vspw
from test_config import shipped
from workflow_copy import ROOT
from zeroshot_vss.backbones.base import Backbone, Start
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.config import merge, read_config
from zeroshot_vss.datasets.base import Frames
from zeroshot_vss.io.store import Manifest, open_clip
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.latents import start_of
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.workflow.plan import Plan
from zeroshot_vss.workflow.rows import make_row

CPU = torch.device("cpu")


class Pictures(ArrayClip):
    """A clip of given pictures [n, H, W, 3]; by default three of noise."""

    def __init__(self, size: tuple[int, int], pictures: Frames | None = None) -> None:
        noise = np.random.default_rng(7).integers(0, 256, (3, *size, 3), dtype=np.uint8)
        self.pictures = noise if pictures is None else pictures
        super().__init__("pictures", [np.zeros(size, np.uint8)] * len(self.pictures))

    def frames(self, indices: Sequence[int]) -> Frames:
        return self.pictures[list(indices)]


def rows(frames: Sequence[int]) -> list[Row]:
    return [Row(frame, frame, 0) for frame in frames]


def queries_of(
    backbone: Backbone, clip: ArrayClip, frames: Sequence[int], block: int, sampling: Sampling | None = None
) -> Tensor:
    """Features [n, h * w, C] of some frames, at the last step."""
    chosen = Sampling(guidance=1, noise="clip") if sampling is None else sampling
    step = chosen.steps - 1
    noise = [Row(frame, 0 if chosen.noise == "clip" else frame, 0) for frame in frames]
    backbone.check(chosen, [block])
    start = start_of(backbone, clip, noise, chosen)
    return backbone.denoise(start, chosen, [(block, step)], last=step).queries[block, step].clone()


def moved(size: tuple[int, int], cell: int) -> tuple[Pictures, Tensor]:
    """Two frames of patches of noise, the second with all patches at other places; where each cell of it is from."""
    rng = np.random.default_rng(3)
    height, width = size[0] // cell, size[1] // cell
    patches = rng.integers(0, 256, (height * width, cell, cell, 3), dtype=np.uint8)
    order = rng.permutation(height * width)

    def picture(some: Any) -> Any:
        return some.reshape(height, width, cell, cell, 3).swapaxes(1, 2).reshape(height * cell, width * cell, 3)

    return Pictures(size, np.stack([picture(patches), picture(patches[order])])), torch.from_numpy(order)


def halves(grid: tuple[int, int]) -> Tensor:
    """Where each cell of a grid is from when the left and the right half change places."""
    height, width = grid
    return torch.arange(height * width).view(height, width).roll(width // 2, 1).flatten()


def exchanged(size: tuple[int, int], cell: int) -> tuple[Pictures, Tensor]:
    """Two frames of noise, the second with left and right exchanged; where each cell of it is from.

    For networks that see the surroundings of a cell as well: all but those at the edges of the halves move along.
    """
    picture = Pictures(size).pictures[0]
    frames = np.stack([picture, np.roll(picture, size[1] // 2, 1)])
    return Pictures(size, frames), halves((size[0] // cell, size[1] // cell))


def found_by_a_unet(backbone: LatentDiffusion, block: int, sampling: Sampling, size: tuple[int, int]) -> list[float]:
    """Two frames' latents of noise, the second with left and right exchanged: shares of cells of its queries.

    Latents without the draws of `noise`, which two frames may share at the same places, and large, so that they stand
    out from zeros around them: a random decoder sees its borders from nearly everywhere.

    Returns:
        Shares that are nearest to where they are from, and to the cell of the first frame at their place.
    """
    shape, step = backbone.latent_shape(*size), sampling.steps - 1
    latents = 10 * torch.randn(1, *shape, generator=torch.Generator().manual_seed(0))
    latents = torch.cat([latents, latents.roll(shape[-1] // 2, -1)])
    plain = np.full((*size, 3), 128, np.uint8)
    condition = backbone.condition(plain, torch.zeros(3, *size), sampling) if backbone.coupled else None
    start = Start(latents, condition)
    tokens = backbone.denoise(start, sampling, [(block, step)], last=step).queries[block, step]
    truth = halves(backbone.grid(*size, block))
    return [matches(tokens, places) for places in (truth, truth.sort().values)]


def matches(tokens: Tensor, truth: Tensor) -> float:
    """Share of the second frame's cells whose nearest cell of the first, by cosine, is where they are from."""
    first, second = (nn.functional.normalize(frame - tokens.mean((0, 1)), dim=-1) for frame in tokens)
    return float(((second @ first.T).argmax(1) == truth).float().mean())


def fingerprint(network: nn.Module) -> str:
    """Digest of all parameters and buffers, of all hooks, and of instances' own methods and attention processors."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode() + value.contiguous().view(torch.uint8).numpy().tobytes())
    for name, module in network.named_modules():
        hooks = [
            module._forward_hooks,
            module._forward_pre_hooks,
            module._backward_hooks,
            module._forward_hooks_with_kwargs,
        ]
        # By identity: a processor or method that another was put in the place of has the same name.
        own = sorted(
            (key, id(value))
            for key, value in vars(module).items()
            if callable(value) and not isinstance(value, nn.Module)
        )
        digest.update(f"{name} {[len(some) for some in hooks]} {own} {type(module)}".encode())
    return digest.hexdigest()


def label_maps(
    base: Path, backbone: dict[str, Any], frames: int = 3, others: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """The row `ours` of a backbone on two small clips, stage by stage below the working directory.

    Args:
        base: where the clips are written.
        backbone: its entry in the configuration.
        frames: of each clip.
        others: further backbones.

    Returns:
        By clip, label maps [n, H, W] uint8.
    """
    write_vspw(base, 2, frames, (64, 96), rng=np.random.default_rng(0))
    few = {"context": {"clusters": 3, "initialisations": 1, "batches": {"size": 2}}}
    interpolated = {"upsampling": {"upsampler": "bilinear", "modulation": None, "filter": None}}
    settings = merge(merge(few, interpolated), backbone.get("settings", {}))
    over = {
        "compute": {"device": "cpu", "threads": 1, "frames_at_once": 2},
        "datasets": {"v": {"kind": "vspw", "title": "V", "protocol": "vspw", "options": {"root": str(base)}}},
        "backbones": {"own": {"title": "own", **backbone, "settings": settings}, **others},
        "tables": {"table1": {"datasets": ["v"], "backbones": ["own"], "methods": ["ours"]}},
    }
    plan = Plan(read_config(merge(shipped(), over)), home=ROOT)
    made = plan.stages.of_row(make_row(plan.config, "v", "ours", "own"))
    checked, _ = plan.stages.checked("v")
    for path in (*checked.paths(), *(path for parts in made.values() for path in parts.paths())):
        job = plan.stages.jobs[path]
        import_module(f"zeroshot_vss.stages.{job.stage}").run(job)
    found = Manifest.load(made["upsample"].paths()[0])
    maps: dict[str, Any] = {}
    for clip in plan.stages.clips("v"):
        with open_clip(found.verified(clip)) as file:
            maps[clip] = file["maps"][()]
    return maps
