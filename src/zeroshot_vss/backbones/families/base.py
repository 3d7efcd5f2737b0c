"""How a class of diffusion transformers is called, and where its image tokens are. Imports no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Call:
    """What the network is called with."""

    x: Tensor
    """[n, c, h, w] noised latents, in the network's precision; of a clip [1, c, latent frames, h, w]."""
    timestep: float
    """As its scheduler counts them, 0 to 1000."""
    prompt: Mapping[str, Tensor]
    """Embeddings of the empty prompt by name, without a batch; on the device, in the network's precision."""
    factor: int
    """Pixels of a latent's side."""
    group: int
    """Frames of a latent frame of a clip, 1 for pictures."""
    guidance: float
    """What a model that was distilled with guidance is told."""

    def each(self, name: str) -> Tensor:
        """An embedding for each of the n."""
        value = self.prompt[name]
        return value.expand(len(self.x), *value.shape)

    @property
    def times(self) -> Tensor:
        """[n] float32."""
        return self.x.new_full((len(self.x),), self.timestep).float()


class Family(ABC):
    """A class of diffusion transformers."""

    blocks: ClassVar[tuple[str, ...]] = ("transformer_blocks",)
    """Lists of its blocks, in the order of computation."""
    lengths: ClassVar[tuple[str, ...]] = ("num_layers",)
    """Entries of its config that say how long they are."""
    attention: ClassVar[str] = "attn"
    """In a block, the self-attention with `to_q` and `to_k`."""
    returned: ClassVar[tuple[str | None, ...]] = ("prompt_embeds",)
    """What its pipeline's `encode_prompt` returns, by name; None for what is not needed."""
    told: ClassVar[Mapping[str, Any]] = {}
    """Further arguments of `encode_prompt`, where its defaults are not those that its pipeline runs with."""
    text_first: ClassVar[bool] = True
    """Whether, in one sequence, tokens of text stand before those of the image."""
    text_given_first: ClassVar[bool] = True
    """Whether a block with two streams gives the text's before the image's."""

    def depths(self, config: Mapping[str, Any]) -> tuple[int, ...]:
        """Lengths of the lists of blocks. Raises KeyError for an entry that the config lacks, as all here do."""
        return tuple(int(config[name]) for name in self.lengths)

    def patch(self, config: Mapping[str, Any]) -> int:
        """Latent cells of a token's side."""
        return int(config["patch_size"])

    def latents(self, config: Mapping[str, Any]) -> int:
        """Channels of the latents."""
        return int(config["in_channels"])

    @abstractmethod
    def embeddings(self, config: Mapping[str, Any]) -> Mapping[str, int | None]:
        """Widths of the embeddings that it takes; None for masks."""

    @abstractmethod
    def inputs(self, network: Any, call: Call) -> dict[str, Any]:
        """Arguments of the network's forward pass."""

    def most(self, config: Mapping[str, Any]) -> int | None:
        """Most tokens of a side; None for any number."""
        return None

    def prediction(self, output: Tensor, call: Call) -> Tensor:
        """What the network predicts, of the shape of `call.x`, from what it returns."""
        return output

    def width(self, config: Mapping[str, Any]) -> int:
        """Channels of a token."""
        return int(config["num_attention_heads"]) * int(config["attention_head_dim"])

    def path(self, config: Mapping[str, Any], block: int) -> str:
        """Path of a block by its number, counted through the lists."""
        for name, depth in zip(self.blocks, self.depths(config), strict=True):
            if block < depth:
                return f"{name}.{block}"
            block -= depth
        raise ValueError(f"there is no block {block} behind the last")
