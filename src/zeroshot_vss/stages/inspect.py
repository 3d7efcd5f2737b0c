"""Inspection stage: what lies between the frames and the label maps of some frames, for the figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from zeroshot_vss.backbones.base import Backbone, PlainPass
from zeroshot_vss.backbones.diffusion import LatentDiffusion
from zeroshot_vss.backbones.hooks import VideoDecoder, recording
from zeroshot_vss.backbones.kind import find_model
from zeroshot_vss.backbones.loading import load_model
from zeroshot_vss.datasets import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.figures.job import Inspection, InspectJob, Variation
from zeroshot_vss.io.progress import progress
from zeroshot_vss.io.store import ClipKey, Manifest, add_array, add_maps, open_clip, run_clips
from zeroshot_vss.machine.runtime import budget, prepare, workers_for
from zeroshot_vss.method.batches import Group, map_groups
from zeroshot_vss.method.difference import to_8_bit
from zeroshot_vss.method.latents import network_size, start_of
from zeroshot_vss.method.modulation import difference_maps
from zeroshot_vss.settings.upsampling import Upsampling


def run(job: InspectJob) -> None:
    """Write `<clip>.h5` with what the settings ask for.

    Always `frames` [n]; `decoded` [n, H', W', 3] uint8 at the network's size; `spatial<k>` and `temporal<k>`
    [n, h, w, C] float16; and of variation v, `coarse<v>` [n, h, w] uint8, `places<v>` [m, 2] (label, place among the
    frames), `differences<v>` and `filtered<v>` [m, H, W] float16 of these places, and the label maps that they lead
    to, `unfiltered_labels<v>` and `labels<v>` [n, H, W] uint8.
    """
    device = prepare(job.compute, network=True)
    dataset = job.open()
    maps = [Manifest.load(path) for path in job.coarse]
    model = find_model(job.backbone)
    backbone = cache(lambda: load_model(model, device))

    def key(name: str) -> ClipKey:
        return job.clip_key(dataset.clip(name), settings=job.settings.model_dump(mode="json"), weights=model.digest,
                            device=device.type, **job.backbone.rounding(device.type))  # fmt: skip

    def work(name: str, file: h5py.File) -> None:
        clip = dataset.clip(name)
        inspector = _Inspector(job, clip, backbone(), budget(job.compute, device))
        add_array(file, "frames", np.array(inspector.frames, np.int32))
        if job.settings.decoded:
            inspector.keep_decoded(file)
        if job.settings.spatial or job.settings.temporal:
            inspector.keep_queries(file)
        for number, variation in enumerate(job.settings.variations):
            with open_clip(maps[variation.coarse].verified(name)) as coarse_file:
                inspector.keep_variation(file, number, variation, coarse_file["maps"])

    workers = workers_for(job.compute, device, len(job.clips))
    run_clips("inspections", job.manifest, job.clips, key, work, [Manifest.load(job.frames), *maps], workers)


Place = tuple[int, int]
"""A label, and a frame that has it."""


class FrameDifferences(NamedTuple):
    """Difference maps of some frames."""

    places: list[Place]
    """By label, then frame; only labels that the frame's coarse map has, and none in frames of one label."""
    differences: NDArray[np.floating]
    """[places, H, W], normalised."""
    filtered: NDArray[np.floating]
    """The same after the filter of equation 7, where the settings have one."""


def frame_differences(
    backbone: Backbone,
    plain: PlainPass,
    maps: NDArray[np.uint8],
    kept: Sequence[int],
    size: tuple[int, int],
    settings: Upsampling,
    budget: float,
    guides: NDArray[np.uint8] | None = None,
) -> FrameDifferences:
    """The difference maps of which `modulation.label_maps` keeps the largest alone.

    Args:
        backbone, plain, maps, size, settings, budget, guides: as there.
        kept: the frames of the plain pass that are asked for; frames of video models need those beside them.
    """
    none = np.zeros((0, *size), np.float32)
    places: list[Place] = []
    differences, filtered = [none], [none]
    stream = difference_maps(backbone, plain, maps, size, settings, budget, frames=kept, guides=guides)
    for difference in stream:
        places += [(difference.label, frame) for frame in difference.frames]
        differences.append(difference.maps.cpu().numpy())
        filtered.append(difference.filtered.cpu().numpy())
    order = sorted(range(len(places)), key=places.__getitem__)
    return FrameDifferences(
        [places[i] for i in order], np.concatenate(differences)[order], np.concatenate(filtered)[order]
    )


def labels_of(
    places: Sequence[Place], differences: NDArray[np.floating], coarse: NDArray[np.uint8], frame: int
) -> NDArray[np.uint8]:
    """Label map [H, W] of a frame: the label with the largest of its maps [m, H, W]; ties go to the first.

    A frame without maps has one label, that of its coarse map [h, w].
    """
    mine = [i for i, (_, other) in enumerate(places) if other == frame]
    if not mine:
        return np.full(differences.shape[1:], coarse.flat[0], np.uint8)
    return np.array([places[i][0] for i in mine], np.uint8)[differences[mine].argmax(0)]


class _Inspector:
    """A clip, the backbone, and which frames are kept."""

    def __init__(self, job: InspectJob, clip: Clip, backbone: Backbone, budget: float) -> None:
        self.settings: Inspection = job.settings
        self.compute, self.clip, self.backbone = job.compute, clip, backbone
        self.budget = budget
        asked = clip.mapped() if self.settings.frames is None else self.settings.frames
        self.frames = sorted({frame for frame in asked if frame < len(clip)})
        if not self.frames:
            raise InputError(f"clip '{clip.name}' has {len(clip)} frames, none of the asked {list(asked)}")
        self.place = {frame: index for index, frame in enumerate(self.frames)}
        backbone.check(self.settings.sampling, [*self.settings.spatial, *self.settings.temporal])

    def _groups(self, title: str) -> Iterator[Group]:
        groups = map_groups(len(self.clip), self.frames, self.settings.sampling, self.compute.frames_at_once)
        return progress(groups, lambda group: len(group.kept), f"{title} of {self.clip.name}")

    def _places(self, group: Group) -> list[int]:
        """Where the kept frames of a group are stored."""
        return [self.place[group.rows[i].frame] for i in group.kept]

    def keep_decoded(self, file: h5py.File) -> None:
        """The unmodulated pass, as an image."""
        sampling = self.settings.sampling
        size = network_size(self.clip, self.backbone, sampling)
        decoded = add_maps(file, "decoded", len(self.frames), (*size, 3), np.uint8)
        for group in self._groups("plain passes"):
            plain = self.backbone.denoise(start_of(self.backbone, self.clip, group.rows, sampling), sampling)
            latents = plain.states[sampling.steps - 1][group.kept]
            images = to_8_bit(self.backbone.decode(latents)).permute(0, 2, 3, 1).cpu().numpy()
            for place, image in zip(self._places(group), images, strict=True):
                decoded[place] = image

    def keep_queries(self, file: h5py.File) -> None:
        """The blocks' queries."""
        settings = self.settings
        size = network_size(self.clip, self.backbone, settings.sampling)
        wanted = [(block, settings.step) for block in settings.spatial]
        for group in self._groups("queries"):
            start = start_of(self.backbone, self.clip, group.rows, settings.sampling)
            with temporal_queries(self.backbone, settings.temporal) as tape:
                plain = self.backbone.denoise(start, settings.sampling, wanted, last=settings.step)
            by_name = {f"spatial{block}": plain.queries[block, settings.step] for block in settings.spatial}
            for block in settings.temporal:
                by_name[f"temporal{block}"] = of_frames(tape[str(block)], plain.parts)
            for name, queries in by_name.items():
                grid = self.backbone.grid(*size, int(name.removeprefix("spatial").removeprefix("temporal")))
                kept = queries[group.kept].unflatten(1, grid).to("cpu", torch.float16).numpy()
                if name not in file:
                    add_maps(file, name, len(self.frames), kept.shape[1:], np.float16)
                for place, query in zip(self._places(group), kept, strict=True):
                    file[name][place] = query  # pyright: ignore[reportIndexIssue]

    def keep_variation(self, file: h5py.File, number: int, variation: Variation, maps: Any) -> None:
        """Difference maps and label maps from the clip's coarse maps [n, h, w]."""
        settings = variation.upsampling(self.settings.sampling)
        assert settings.modulation is not None
        tiny = settings.decoder == "tiny"
        self.backbone.check(self.settings.sampling, [settings.modulation.block], tiny)
        count, size = len(self.frames), self.clip.size
        coarse = add_maps(file, f"coarse{number}", count, maps.shape[1:], np.uint8)
        labels = add_maps(file, f"labels{number}", count, size, np.uint8)
        unfiltered = add_maps(file, f"unfiltered_labels{number}", count, size, np.uint8)
        places: list[Place] = []
        parts: list[FrameDifferences] = []
        for group in self._groups(f"'{variation.title}'"):
            start = start_of(self.backbone, self.clip, group.rows, self.settings.sampling)
            plain = self.backbone.denoise(start, self.settings.sampling, modulation=settings.modulation)
            some = np.stack([maps[row.frame] for row in group.rows])
            guides = None if settings.guided is None else self.clip.frames([row.frame for row in group.rows])
            seen = frame_differences(self.backbone, plain, some, group.kept, size, settings, self.budget, guides)
            for i, place in zip(group.kept, self._places(group), strict=True):
                coarse[place] = some[i]
                labels[place] = labels_of(seen.places, seen.filtered, some[i], i)
                unfiltered[place] = labels_of(seen.places, seen.differences, some[i], i)
            places += [(label, self.place[group.rows[frame].frame]) for label, frame in seen.places]
            parts.append(seen)
        add_array(file, f"places{number}", np.array(places, np.int32).reshape(-1, 2))
        for name in ("differences", "filtered"):
            values = np.concatenate([getattr(seen, name) for seen in parts]).astype(np.float16)
            add_array(file, f"{name}{number}", values)


@contextmanager
def temporal_queries(backbone: Backbone, blocks: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """Queries of the blocks' temporal self-attention at the last step made inside, by block as a string.

    Raises:
        InputError: blocks are asked of a model without temporal layers.
    """
    if not blocks:
        yield {}
        return
    if not isinstance(backbone, LatentDiffusion) or not isinstance(backbone.decoder, VideoDecoder):
        raise InputError(f"backbone '{backbone.name}' has no temporal layers")
    with recording(backbone.decoder.temporal_queries(blocks)) as tape:
        yield tape


def of_frames(queries: torch.Tensor, parts: int) -> torch.Tensor:
    """Temporal queries [parts * h * w, n, C] of the conditional half as [n, h * w, C]."""
    return queries.unflatten(0, (parts, -1))[-1].transpose(0, 1)
