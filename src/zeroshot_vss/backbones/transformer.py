"""The kind `transformer`: image diffusion transformers. Imports no torch before one is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from zeroshot_vss.backbones.configs import check_path, read_json
from zeroshot_vss.backbones.families import FAMILIES, LEGACY, LEGACY_NORM, VIDEO_FAMILIES, network_class
from zeroshot_vss.backbones.families.base import Family
from zeroshot_vss.backbones.image import SCHEDULER
from zeroshot_vss.backbones.kind import SINGLE_FILES, BackboneKind, ModelFiles
from zeroshot_vss.backbones.prompt import ENCODER_WEIGHTS, prompt_of, prompt_parts
from zeroshot_vss.backbones.token_grids import TokenGrids
from zeroshot_vss.backbones.token_options import TransformerOptions
from zeroshot_vss.errors import InputError
from zeroshot_vss.io.weights import Part
from zeroshot_vss.registry import Registry
from zeroshot_vss.settings.base import Settings

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.token_diffusion import TokenDiffusion


class TransformerKind(BackboneKind):
    """A diffusion transformer of diffusers with an autoencoder and embeddings of the empty prompt."""

    title: ClassVar[str] = "a diffusion transformer"
    examples: ClassVar[str] = "FLUX.1, SD 3 and 3.5, PixArt-alpha and -Sigma"
    run_with: ClassVar[str] = "the embedded `scenes-tiny-dit`; random weights of the formats"
    fetched: ClassVar[tuple[str, ...]] = (
        "transformer/*.safetensors", "vae/*.safetensors", *ENCODER_WEIGHTS, *SINGLE_FILES,
    )  # fmt: skip
    families: ClassVar[Registry] = FAMILIES
    """Classes of networks that it knows."""
    options: ClassVar[type[Settings]] = TransformerOptions
    half: ClassVar[Literal["float16", "bfloat16"]] = "bfloat16"
    unmodulated: ClassVar[str | None] = (
        "it has no masked modulation and no tiny decoder, as the norms behind a block take out what is added to all "
        "of its channels (in PixArt all but a trace)"
    )

    def parts(self, folder: Path) -> dict[str, Part]:
        return {
            "transformer": Part(folder / "transformer", resident=True),
            "vae": Part(folder / "vae", resident=True),
            "scheduler": Part(folder / "scheduler", needs=SCHEDULER, weights=False),
            **prompt_parts(folder),
        }

    def modules(self, model: ModelFiles) -> tuple[str, ...]:
        return (self.families.module(self._network(model)[0]),)

    def check(self, model: ModelFiles) -> None:
        check_path(model.whose, model.parts["scheduler"].path / "scheduler_config.json")
        name, config = self._network(model)
        if name not in self.families:
            if name == LEGACY:
                name += f" with norm_type {config.get('norm_type')!r} (PixArt's has {LEGACY_NORM!r})"
            others = {"transformer": FAMILIES, "video-transformer": VIDEO_FAMILIES}
            instead = [f"set kind: {kind}, or " for kind, classes in others.items() if name in classes]
            raise InputError(
                f"{model.whose}: transformer/config.json is of a {name}; known: {', '.join(self.families)}: "
                f"{''.join(instead)}take one of these, or add its class (docs/adding-a-backbone.md)"
            )
        grids, options = self.geometry(model), model.options(TransformerOptions)
        if options.module is None and (wide := [c for c in options.drop if c >= min(grids.widths)]):
            raise InputError(
                f"{model.whose}: options.drop has channel {wide[0]}; its tokens have {min(grids.widths)}, from 0"
            )

    def geometry(self, model: ModelFiles) -> TokenGrids:
        name, config = self._network(model)
        family: Family = self.families.load(name)()
        vae = read_json(model.whose, model.parts["vae"].path / "config.json")
        try:
            widths = vae.get("block_out_channels") or vae["encoder_block_out_channels"]
            latent = 2 ** (len(widths) - 1)
            cell, depth = latent * family.patch(config), sum(family.depths(config))
            width, most = family.width(config), family.most(config)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{model.whose}: the config of its transformer or VAE lacks {error}") from error
        return TokenGrids(name, cell, (cell,) * depth, (width,) * depth, latent, most)

    def load(self, model: ModelFiles, device: torch.device) -> TokenDiffusion:
        import diffusers

        from zeroshot_vss.backbones import loading
        from zeroshot_vss.backbones.token_diffusion import TokenDiffusion

        name, _ = self._network(model)
        family: Family = self.families.load(name)()
        network = loading.load_part(model, "transformer", getattr(diffusers, name), loading.precision(model, device))
        vae = loading.load_autoencoder(model, device)
        if vae.config.latent_channels != family.latents(network.config):
            raise InputError(
                f"{model.whose}: the VAE's latents have {vae.config.latent_channels} channels, the transformer takes "
                f"{family.latents(network.config)}; the parts are of different models"
            )
        return TokenDiffusion(
            model.spec.name, network.to(device), family, vae.to(device), loading.scheduler(model),
            prompt_of(model, family.returned, family.embeddings(network.config)), self.geometry(model),
            model.options(TransformerOptions), model.spec.unmodulated or "",
        )  # fmt: skip

    def _network(self, model: ModelFiles) -> tuple[str, Mapping[str, Any]]:
        """Class and config of the transformer."""
        config = read_json(model.whose, model.parts["transformer"].path / "config.json")
        return network_class(config), config
