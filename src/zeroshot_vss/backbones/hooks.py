"""Looking into and steering unmodified diffusers models: record module outputs, or hand in outputs of our own.

Nothing here knows a forward pass by heart: modules are found by their place in the UNet, and what happens
inside them stays diffusers' business.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from zeroshot_vss.backbones.attention import GivenAttention


@contextmanager
def recording(modules: Mapping[str, nn.Module]) -> Iterator[dict[str, Any]]:
    """Outputs of the named modules in the forward pass made inside, under the same names."""
    tape: dict[str, Any] = {}

    def recorder(name: str) -> Any:
        def hook(_module: nn.Module, _inputs: Any, output: Any) -> None:
            tape[name] = output

        return hook

    handles = [module.register_forward_hook(recorder(name)) for name, module in modules.items()]
    try:
        yield tape
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def substituted(outputs: Mapping[nn.Module, Any]) -> Iterator[None]:
    """Make modules return the given outputs without computing anything, in the forward passes made inside."""

    def constant(output: Any) -> Any:
        return lambda *args, **kwargs: output

    own = {module: module.__dict__.get("forward") for module in outputs}  # that of compiled modules
    for module, output in outputs.items():
        module.forward = constant(output)
    try:
        yield
    finally:
        for module, forward in own.items():
            if forward is None:
                del module.forward
            else:
                module.forward = forward


class Decoder:
    """The decoder of a UNet, addressed by the paper's block numbers (0 is the coarsest).

    Block k is `up_blocks[k // n].attentions[k % n]` with n blocks a level (3 in Stable Diffusion).

    Args:
        unet: a `UNet2DConditionModel`.
    """

    def __init__(self, unet: nn.Module) -> None:
        self.unet: Any = unet
        self.per_level = len(self.unet.up_blocks[0].resnets)
        self.count = self.per_level * len(self.unet.up_blocks)

    def attention_blocks(self) -> list[int]:
        """Blocks that have attention (3 to 11 in Stable Diffusion)."""
        return [k for k in range(self.count) if hasattr(self.unet.up_blocks[k // self.per_level], "attentions")]

    def transformer(self, block: int) -> Any:
        """The spatial transformer of a block.

        Raises:
            ValueError: the block has none.
        """
        if block not in self.attention_blocks():
            raise ValueError(f"block {block} has no attention; those that have: {self.attention_blocks()}")
        return self.unet.up_blocks[block // self.per_level].attentions[block % self.per_level]

    def self_queries(self, blocks: tuple[int, ...]) -> dict[str, nn.Module]:
        """`attn1.to_q` of the blocks (the first layer of each), by block number as a string."""
        return {str(k): self.transformer(k).transformer_blocks[0].attn1.to_q for k in blocks}

    def injected(self, blocks: tuple[int, ...]) -> dict[str, nn.Module]:
        """The modules of the blocks whose outputs injection takes from the unmodulated pass.

        These are the query and key projections of self-attention, and cross-attention as a whole: with the
        unmodulated pass's queries and keys, and values that come from the same context, its output is that pass's.
        """
        layers: dict[str, nn.Module] = {}
        for k in blocks:
            for i, layer in enumerate(self.transformer(k).transformer_blocks):
                layers |= {f"{k}.{i}.to_q": layer.attn1.to_q, f"{k}.{i}.to_k": layer.attn1.to_k}
                if layer.attn2 is not None:
                    layers[f"{k}.{i}.attn2"] = layer.attn2
        return layers

    def shared(self, blocks: tuple[int, ...]) -> dict[str, Any]:
        """Self-attention layers whose queries and keys are both injected, by the start of their names there."""
        layers = {
            f"{k}.{i}": layer.attn1 for k in blocks for i, layer in enumerate(self.transformer(k).transformer_blocks)
        }
        return {name: attn for name, attn in layers.items() if GivenAttention.serves(attn)}

    def before(self, block: int) -> dict[str, nn.Module]:
        """The modules whose outputs together stand for everything up to and with the block's transformer."""
        level, place = divmod(block, self.per_level)
        modules: dict[str, nn.Module] = {"conv_in": self.unet.conv_in}
        modules |= {f"down.{i}": module for i, module in enumerate(self.unet.down_blocks)}
        if self.unet.mid_block is not None:
            modules["mid"] = self.unet.mid_block
        modules |= {f"up.{i}": self.unet.up_blocks[i] for i in range(level)}
        modules |= {f"resnet.{i}": self.unet.up_blocks[level].resnets[i] for i in range(place + 1)}
        modules |= {f"attention.{i}": self.unet.up_blocks[level].attentions[i] for i in range(place + 1)}
        return modules

    def shift(self, block: int) -> Tensor:
        """What adding 1 to every channel of the attention output adds to the transformer's output, [channels].

        A shift common to all channels is removed by the LayerNorm of each later sub-layer and kept by the
        residual path, so all that it meets is `proj_out`, which turns it into its row sums.
        """
        weight: Tensor = self.transformer(block).proj_out.weight
        return weight.flatten(1).float().sum(1)


class VideoDecoder(Decoder):
    """The decoder of a `UNetSpatioTemporalConditionModel`, whose transformers have spatial and temporal layers."""

    def injected(self, blocks: tuple[int, ...]) -> dict[str, nn.Module]:
        """Query and key projections of temporal self-attention, the only ones that the released code injects."""
        layers: dict[str, nn.Module] = {}
        for k in blocks:
            for i, layer in enumerate(self.transformer(k).temporal_transformer_blocks):
                layers |= {f"{k}.{i}.to_q": layer.attn1.to_q, f"{k}.{i}.to_k": layer.attn1.to_k}
        return layers

    def shared(self, blocks: tuple[int, ...]) -> dict[str, Any]:
        """None: passes of a batch share no temporal attention with each other's frames."""
        return {}

    def temporal_queries(self, blocks: tuple[int, ...]) -> dict[str, nn.Module]:
        """`attn1.to_q` of the blocks' temporal layers; their outputs are [parts * h * w, frames, channels]."""
        return {str(k): self.transformer(k).temporal_transformer_blocks[0].attn1.to_q for k in blocks}

    def shift(self, block: int) -> Tensor:
        """What adding 1 to the outputs of spatial and temporal self-attention adds to the transformer's output.

        The temporal layer starts from the spatial one's output and is mixed with it: alpha 1 + (1 - alpha) (1 + 1)
        = 2 - alpha, with alpha the learned share of the spatial path.
        """
        alpha = self.transformer(block).time_mixer.mix_factor.float().sigmoid()
        return (2 - alpha) * super().shift(block)
