"""The kind `video-transformer`: video diffusion transformers. Imports no torch before one is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from zeroshot_vss.backbones.configs import read_json
from zeroshot_vss.backbones.families import VIDEO_FAMILIES
from zeroshot_vss.backbones.families.video import VideoFamily
from zeroshot_vss.backbones.kind import ModelFiles
from zeroshot_vss.backbones.prompt import prompt_of
from zeroshot_vss.backbones.token_grids import TokenGrids
from zeroshot_vss.backbones.token_options import TransformerOptions
from zeroshot_vss.backbones.transformer import TransformerKind
from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import Registry

if TYPE_CHECKING:
    import torch

    from zeroshot_vss.backbones.token_video import VideoTokenDiffusion


class VideoTransformerKind(TransformerKind):
    """A video diffusion transformer of diffusers with its autoencoder and embeddings of the empty prompt."""

    title: ClassVar[str] = "a video diffusion transformer"
    examples: ClassVar[str] = "CogVideoX 2B and 5B, Wan 2.1 and 2.2, LTX-Video, HunyuanVideo"
    run_with: ClassVar[str] = "random weights of the format only"
    coupled: ClassVar[bool] = True
    settings: ClassVar[Mapping[str, Any]] = {"sampling": {"together": True}}
    families: ClassVar[Registry] = VIDEO_FAMILIES
    unmodulated: ClassVar[str | None] = (
        "it has no masked modulation and no tiny decoder, as a latent frame stands for several frames of the clip"
    )

    def check(self, model: ModelFiles) -> None:
        super().check(model)
        family, config = self._family(model)
        if refusal := family.refusal(config):
            raise InputError(f"{model.whose}: transformer/config.json: {refusal}")

    def geometry(self, model: ModelFiles) -> TokenGrids:
        family, config = self._family(model)
        vae = read_json(model.whose, model.parts["vae"].path / "config.json")
        if (named := vae.get("_class_name")) != family.autoencoder:
            raise InputError(
                f"{model.whose}: vae/config.json is of a {named}, expected a {family.autoencoder}; the parts are of "
                "different models"
            )
        try:
            latent, group = family.compression(vae)
            cell, depth, width = latent * family.patch(config), sum(family.depths(config)), family.width(config)
            taken, given = family.latents(config), family.channels(vae)
            most, longest = family.most(config), family.longest(config)
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{model.whose}: the config of its transformer or VAE lacks {error}") from error
        if taken != given:
            raise InputError(
                f"{model.whose}: the VAE's latents have {given} channels, the transformer takes {taken}; text-to-"
                "video models alone will do, and parts of one model"
            )
        frames = None if longest is None else 1 + (longest - 1) * group
        name = str(config.get("_class_name"))
        return TokenGrids(
            name, cell, (cell,) * depth, (width,) * depth, latent, most, coupled=True, group=group, longest=frames
        )

    def load(self, model: ModelFiles, device: torch.device) -> VideoTokenDiffusion:
        import diffusers

        from zeroshot_vss.backbones import loading
        from zeroshot_vss.backbones.token_video import VideoTokenDiffusion

        family, config = self._family(model)
        kind = getattr(diffusers, str(config["_class_name"]))
        network = loading.load_part(model, "transformer", kind, loading.precision(model, device))
        vae = loading.load_autoencoder(model, device, [family.autoencoder])
        prompt = prompt_of(model, family.returned, family.embeddings(network.config), family.told)
        words, found = family.words(network.config), len(prompt["prompt_embeds"])
        if words not in (None, found):
            raise InputError(
                f"{model.whose}: 'prompt_embeds' has {found} tokens; expected {words}, the max_text_seq_length of "
                "its transformer: pad the empty prompt to it"
            )
        return VideoTokenDiffusion(
            model.spec.name, network.to(device), family, vae.to(device), loading.scheduler(model), prompt,
            self.geometry(model), model.options(TransformerOptions), model.spec.unmodulated or "",
        )  # fmt: skip

    def _family(self, model: ModelFiles) -> tuple[VideoFamily, Mapping[str, Any]]:
        """The family of the transformer, and its config."""
        name, config = self._network(model)
        return self.families.load(name)(), config
