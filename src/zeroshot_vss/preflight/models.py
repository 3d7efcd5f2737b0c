"""The configured backbones as they lie on the disk: headers of the weights are read, nothing is loaded."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from zeroshot_vss.backbones.folder import PARTS, find_folder, image_model, weight_files
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.preflight.geometry import Geometry

SINGLE = 4
BYTES = {"float32": SINGLE, "float16": 2, "bfloat16": 2}
"""Of a number."""
RESIDENT = ("unet", "vae")
"""Parts that stay in memory in the backbone's precision. A text encoder goes once it has given its context."""
ALWAYS_SINGLE = ("image_encoder",)


@dataclass(frozen=True)
class FoundBackbone:
    """A backbone, or why it cannot be used."""

    spec: BackboneSpec
    title: str
    missing: str | None = None
    folder: Path | None = None
    """None where it is missing, or where it is fetched by the first job that needs it."""
    disk: int = 0
    """Bytes of its weights."""
    numbers: Mapping[str, Counter[str]] = field(default_factory=dict)
    """Part to how many numbers of which type its files hold."""
    geometry: Geometry | None = None

    @property
    def name(self) -> str:
        """In the configuration."""
        return self.spec.name

    @property
    def formats(self) -> list[str]:
        """Types of the stored numbers."""
        return sorted({kind for part in self.numbers.values() for kind in part})

    def memory(self, device: str) -> int:
        """Bytes of the weights once they are loaded on a type of device: cpu or cuda."""
        counts = {part: numbers.total() for part, numbers in self.numbers.items()}
        model = sum(counts.get(part, 0) for part in RESIDENT) * BYTES[self.spec.precision_on(device)]
        return model + sum(counts.get(part, 0) for part in ALWAYS_SINGLE) * SINGLE


def look_at_backbone(spec: BackboneSpec, title: str) -> FoundBackbone:
    """A configured backbone. Nothing is fetched."""
    try:
        folder = find_folder(spec.model_copy(update={"download": False}))
    except InputError as error:
        fetched = spec.download and not Path(spec.path).expanduser().is_dir()
        return FoundBackbone(spec, title, missing=None if fetched else str(error))
    try:
        extended = image_model(folder)
        folders = [folder] if extended is None else [folder, extended]
        # The text encoder of an image model that is extended is read too, for its context.
        files = {part: [p for place in folders for p in weight_files(place / part)] for part in PARTS}
        numbers = {part: _numbers(spec, paths) for part, paths in files.items() if paths}
        disk = sum(path.stat().st_size for paths in files.values() for path in paths)
        unet, vae = (_config(spec, place / part) for place, part in ((folder, "unet"), (folders[-1], "vae")))
        return FoundBackbone(spec, title, None, folder, disk, numbers, Geometry.of(spec, unet, vae))
    except InputError as error:
        return FoundBackbone(spec, title, missing=str(error))


def _numbers(spec: BackboneSpec, paths: list[Path]) -> Counter[str]:
    """How many numbers of which type some files hold, by their headers."""
    found: Counter[str] = Counter()
    for path in paths:
        try:
            with safe_open(path, framework="np") as file:
                for name in file.keys():  # noqa: SIM118  (it is no mapping)
                    tensor = file.get_slice(name)
                    found[tensor.get_dtype()] += math.prod(tensor.get_shape())
        except (SafetensorError, OSError) as error:
            raise InputError(
                f"backbone '{spec.name}': {path} is no whole safetensors file ({error}); get it again "
                "(a file of some hundred bytes is a pointer of Git LFS: `git lfs pull`)"
            ) from error
    return found


def _config(spec: BackboneSpec, folder: Path) -> dict[str, Any]:
    try:
        return json.loads((folder / "config.json").read_text())
    except ValueError as error:
        raise InputError(f"backbone '{spec.name}': {folder}/config.json is no JSON ({error})") from error
