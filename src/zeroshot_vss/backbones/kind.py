"""What is known of a backbone before it is loaded: its files, their digest, its geometry. Imports no torch.

Whoever plans jobs uses this; a job finds its model's files once and hands them down.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

from zeroshot_vss.backbones import BACKBONES
from zeroshot_vss.backbones.configs import check_autoencoder, check_scheduler, read_json
from zeroshot_vss.backbones.geometry import Geometry, Grids
from zeroshot_vss.backbones.spec import BackboneSpec
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import CONFIGS, Part, Weights, local_folder, parts_digest
from zeroshot_vss.settings.base import Settings

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.base import Backbone

SINGLE_FILES = ("context.safetensors", "prompt.safetensors")
"""Single files beside the folders of the parts."""

_O = TypeVar("_O", bound=Settings)


class NoOptions(Settings):
    """Of kinds without options."""


class BackboneKind(ABC):
    """A kind of models: of which parts they are, and how they are loaded. Its module imports torch in `load` alone.

    Parts called `unet`, `vae` and `scheduler` are checked here; a kind that has none of one overrides `check`.
    """

    title: ClassVar[str]
    """In messages: `an image model`."""
    examples: ClassVar[str] = ""
    """Models of this kind, for the table of docs/backbones.md."""
    run_with: ClassVar[str] = "random weights of the format only"
    """What it has been run with, for the same table."""
    shape: ClassVar[str] = "a diffusers folder"
    """In messages, what its folder must be."""
    fetched: ClassVar[tuple[str, ...]] = ("*/*.safetensors", *SINGLE_FILES)
    """Patterns of the weights that are fetched of a hub repository, in which `*` stands for slashes, too.

    Weights beside the folders are left there: many repositories hold the whole model again as a single file.
    """
    options: ClassVar[type[Settings]] = NoOptions
    """What an entry of the configuration may say under `options`; see :meth:`ModelFiles.options`."""
    half: ClassVar[Literal["float16", "bfloat16"]] = "float16"
    """What `precision: auto` is on a GPU."""
    unmodulated: ClassVar[str | None] = None
    """Why models of this kind have no masked modulation; None where they have."""
    coupled: ClassVar[bool] = False
    """Whether the frames of a batch are denoised together; as `Backbone.coupled` of what is loaded."""
    settings: ClassVar[Mapping[str, Any]] = {}
    """Overrides of method settings that all models of this kind need; those of a backbone are laid upon them."""

    @abstractmethod
    def parts(self, folder: Path) -> dict[str, Part]:
        """The parts that a model in a folder is loaded from, there or not, by name.

        Raises:
            InputError: a file that tells which parts there are is damaged.
        """

    @abstractmethod
    def load(self, model: ModelFiles, device: torch.device) -> Backbone:
        """The model, on a device.

        Raises:
            InputError: the parts do not fit each other, or their weights do not fit their configs.
        """

    def check(self, model: ModelFiles) -> None:
        """Refuse configs that the method cannot use.

        Raises:
            InputError: naming the file and the value.
        """
        check_scheduler(model.whose, model.parts["scheduler"].path / "scheduler_config.json")
        check_autoencoder(model.whose, model.parts["vae"].path / "config.json")

    @property
    def hub_files(self) -> list[str]:
        """Patterns of all that is fetched of a hub repository: what a part can read."""
        return [*(f"*{suffix}" for suffix in CONFIGS), *self.fetched]

    def modules(self, model: ModelFiles) -> tuple[str, ...]:
        """Modules of code that a model's configs choose, beside the kind's own."""
        return ()

    def geometry(self, model: ModelFiles) -> Grids:
        """Sizes of the model's grids, from its configs.

        Raises:
            InputError: they lack an entry.
        """
        unet, vae = (read_json(model.whose, model.parts[name].path / "config.json") for name in ("unet", "vae"))
        return Geometry.of(model.whose, unet, vae, self.coupled)


@dataclass(frozen=True)
class ModelFiles:
    """The files of a backbone: found, whole by their headers, and not yet loaded. See :func:`find_model`."""

    spec: BackboneSpec
    kind: BackboneKind
    folder: Path
    parts: Mapping[str, Part]

    @property
    def whose(self) -> str:
        """The backbone, at the start of messages."""
        return f"backbone '{self.spec.name}'"

    @property
    def folders(self) -> list[Path]:
        """Where the parts lie: the model's own folder, and that of a model which it extends."""
        return list(dict.fromkeys([self.folder, *(part.path.parent for part in self.parts.values())]))

    @cached_property
    def digest(self) -> str:
        """Digest of every byte that loading the model can read."""
        return parts_digest(self.parts)

    @cached_property
    def modules(self) -> tuple[str, ...]:
        """Modules of code that its configs choose, beside its kind's own."""
        return self.kind.modules(self)

    @cached_property
    def geometry(self) -> Grids:
        """Sizes of its grids."""
        return self.kind.geometry(self)

    def options(self, model: type[_O]) -> _O:
        """What the configuration says under `options`, as the settings of its kind."""
        return model.model_validate(self.spec.options)


def find_model(spec: BackboneSpec) -> ModelFiles:
    """The files of a backbone. Configs and headers are read; no weights are.

    Raises:
        InputError: files are missing, damaged, or of a model that cannot be used; the message says what to do.
    """
    kind: BackboneKind = BACKBONES.load(spec.kind)()
    folder = local_folder(spec, kind.hub_files)
    parts = kind.parts(folder)
    model = ModelFiles(spec, kind, folder, parts | _tiny_decoder(spec))
    for place in dict.fromkeys(part.path.parent for part in parts.values()):
        missing = [name for part in parts.values() if part.path.parent == place for name in part.missing()]
        if missing:
            raise InputError(
                f"{model.whose}: {place} lacks {', '.join(missing)}; it must be {kind.shape} of {kind.title}"
            )
    for part in model.parts.values():
        part.check(model.whose)
    kind.check(model)
    return model


def _tiny_decoder(spec: BackboneSpec) -> dict[str, Part]:
    if spec.tiny_decoder is None:
        return {}
    if reason := spec.unmodulated:
        raise InputError(f"backbone '{spec.name}': tiny_decoder: {reason}, and leave tiny_decoder out")
    # Never fetched, so that there are no patterns of what to fetch.
    folder = local_folder(Weights(name=f"{spec.name}, tiny_decoder", path=spec.tiny_decoder), [])
    part = Part(folder)
    if missing := [name.removeprefix(f"{folder.name}/") for name in part.missing()]:
        raise InputError(f"backbone '{spec.name}': tiny_decoder: {folder} lacks {', '.join(missing)}")
    return {"tiny_decoder": part}


def digest(spec: BackboneSpec) -> str:
    """Digest of every byte that loading a backbone can read, the same wherever it lies.

    Raises:
        InputError: as :func:`find_model`.
    """
    return find_model(spec).digest
