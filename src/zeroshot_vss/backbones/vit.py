"""The kind `vit`: plain vision transformers. Imports no torch before one is loaded."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.kind import BackboneKind, ModelFiles
from zeroshot_vss.backbones.token_grids import TokenGrids
from zeroshot_vss.backbones.token_options import VisionOptions
from zeroshot_vss.backbones.vision_classes import VisionModel
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Part
from zeroshot_vss.settings.base import Settings

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.vision_transformer import VisionTransformer


class VisionKind(BackboneKind):
    """A vision transformer of transformers: its blocks' tokens, without those that are no patches."""

    title: ClassVar[str] = "a vision transformer"
    shape: ClassVar[str] = "a transformers folder"
    examples: ClassVar[str] = "DINOv2 (with registers), DINOv3, CLIP, SigLIP, ViT, SAM 2"
    fetched: ClassVar[tuple[str, ...]] = ("*.safetensors",)
    options: ClassVar[type[Settings]] = VisionOptions
    half: ClassVar[Literal["float16", "bfloat16"]] = "bfloat16"
    unmodulated: ClassVar[str | None] = (
        "it gives features and no images, so it has no masked modulation and no tiny decoder"
    )

    def parts(self, folder: Path) -> dict[str, Part]:
        needs = ("config.json", "preprocessor_config.json")
        return {"model": Part(folder, needs=needs, resident=True)}

    def check(self, model: ModelFiles) -> None:
        described, options = self._described(model), model.options(VisionOptions)
        if described.known.attention is None and options.take != "output" and options.module is None:
            raise InputError(
                f"{model.whose}: options.take is '{options.take}'; set it to 'output': the queries and keys of "
                f"{described.known.model} lie in windows"
            )
        normalisation(model)

    def geometry(self, model: ModelFiles) -> TokenGrids:
        return self._described(model).grids

    def load(self, model: ModelFiles, device: torch.device) -> VisionTransformer:
        import transformers

        from zeroshot_vss.backbones import loading
        from zeroshot_vss.backbones.vision_transformer import VisionTransformer

        described = self._described(model)
        dtype = loading.precision(model, device)
        whole = loading.load_encoder(model, "model", getattr(transformers, described.known.model), dtype)
        network = whole if described.known.inside is None else whole.get_submodule(described.known.inside)
        return VisionTransformer(
            model.spec.name, network.to(device), described, normalisation(model), model.options(VisionOptions),
            model.spec.unmodulated or "",
        )  # fmt: skip

    def _described(self, model: ModelFiles) -> VisionModel:
        return VisionModel.of(model.whose, read_json(model.whose, model.parts["model"].path / "config.json"))


def normalisation(model: ModelFiles) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of the pixels, red, green and blue.

    Raises:
        InputError: preprocessor_config.json lacks them.
    """
    path = model.parts["model"].path / "preprocessor_config.json"
    config = read_json(model.whose, path)
    found: list[tuple[float, ...]] = []
    for key in ("image_mean", "image_std"):
        values = config.get(key)
        if not isinstance(values, list) or len(values) != 3 or not all(isinstance(v, int | float) for v in values):
            raise InputError(f"{model.whose}: {path}: {key} is {values!r:.80}; expected three numbers: get it again")
        found.append(tuple(float(value) for value in values))
    return found[0], found[1]
