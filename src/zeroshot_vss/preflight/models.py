"""The configured backbones as they lie on the disk: headers of the weights are read, nothing is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.geometry import Grids
from zeroshot_vss.backbones.kind import ModelFiles, find_model
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import is_fetched

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}
"""Of a number."""


@dataclass(frozen=True)
class BackboneStatus:
    """A backbone, or why it cannot be used."""

    spec: BackboneSpec
    title: str
    missing: str | None = None
    files: ModelFiles | None = None
    """None where it is missing, or where it is fetched by the first job that needs it."""
    disk: int = 0
    """Bytes of its weights."""
    numbers: Mapping[str, Counter[str]] = field(default_factory=dict)
    """Part to how many numbers of which type its files hold."""
    geometry: Grids | None = None

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
        if self.files is None:
            return 0
        precisions: dict[str, str] = {}
        for name, part in self.files.parts.items():
            if part.resident:
                precisions[name] = self.spec.precision_on(device)
            elif part.resident_single:
                precisions[name] = "float32"
        if "vae" in precisions:
            config = read_json(self.files.whose, self.files.parts["vae"].path / "config.json")
            precisions["vae"] = self.spec.autoencoder_precision_on(device, str(config.get("_class_name")))
        return sum(self.numbers[name].total() * BYTES[precision] for name, precision in precisions.items())


def backbone_status(spec: BackboneSpec, title: str) -> BackboneStatus:
    """A configured backbone, without its tiny decoder. Nothing is fetched."""
    try:
        model = find_model(spec.model_copy(update={"download": False, "tiny_decoder": None}))
        numbers = {name: part.stored(model.whose) for name, part in model.parts.items() if part.weights}
        disk = sum(path.stat().st_size for part in model.parts.values() for path in part.weight_files)
        return BackboneStatus(spec, title, None, model, disk, numbers, model.geometry)
    except InputError as error:
        fetched = is_fetched(spec.path, spec.download)
        return BackboneStatus(spec, title, missing=None if fetched else str(error))
