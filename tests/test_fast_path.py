"""The backbone's modulated passes against passes that add lambda M to the attention output, on random UNets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

from literal_pass import Literal
from parity_set import SD_SCHEDULE, relative
from zeroshot_vss.backbones.attention import GivenAttention
from zeroshot_vss.backbones.base import Start
from zeroshot_vss.backbones.image_diffusion import ImageDiffusion
from zeroshot_vss.settings.sampling import Sampling
from zeroshot_vss.settings.upsampling import Modulation

FRAMES, HEIGHT, WIDTH, TOKENS, CONTEXT = 2, 16, 24, 5, 8


@dataclass(frozen=True)
class Case:
    """Settings of a pass and what the UNet is like."""

    block: int
    linear: bool = True
    """Whether the transformer's projections are linear layers or 1x1 convolutions."""
    injection: bool = True
    blend_through: int | None = 8
    guidance: float = 5.0
    layers: int = 1
    """Layers in each transformer."""
    start: int = 7
    """The modulated step is 7 of 0..9."""


CASES = [
    *[Case(block, linear) for block in (4, 7, 10) for linear in (True, False)],
    Case(7, injection=False),
    Case(10, linear=False, injection=False, blend_through=None),
    Case(7, blend_through=None),
    Case(7, blend_through=9),
    Case(8, guidance=1),
    Case(6, layers=2),
    Case(3, start=5),
    Case(11, blend_through=7),
]


def make_unet(case: Case) -> UNet2DConditionModel:
    torch.manual_seed(11)
    return UNet2DConditionModel(
        block_out_channels=(16, 16, 32, 32),
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        norm_num_groups=4,
        attention_head_dim=2,
        cross_attention_dim=CONTEXT,
        use_linear_projection=case.linear,
        transformer_layers_per_block=case.layers,
    ).eval()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_fast_path_is_the_literal_one(case: Case) -> None:
    unet = make_unet(case)
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2)
    generator = torch.Generator().manual_seed(3)
    contexts = torch.randn(2, TOKENS, CONTEXT, generator=generator)
    backbone = ImageDiffusion("random", unet, vae, SD_SCHEDULE, contexts[1], contexts[0])
    sampling = Sampling(steps=10, start=case.start, guidance=case.guidance)
    modulation = Modulation(
        block=case.block, step=7, strength=20, injection=case.injection, blend_through=case.blend_through
    )
    scale = 2 ** (3 - case.block // 3)
    start = torch.randn(FRAMES, 4, HEIGHT, WIDTH, generator=generator)
    # Frames in any order, twice or more, each pass with a mask and a strength of its own.
    frames = torch.tensor([1, 0, 1, 1])
    masks = torch.rand(4, HEIGHT // scale, WIDTH // scale, generator=generator) < 0.4
    strengths = torch.tensor([20.0, -20.0, -20.0, 5.0])

    plain = backbone.denoise(Start(start), sampling, [], modulation)
    actual = backbone.denoise_modulated(plain, frames, masks, strengths, modulation)

    schedule = backbone.schedule(sampling.steps)
    guided = contexts if case.guidance != 1 else contexts[1:]
    literal = Literal(unet, schedule.sigmas, schedule.timesteps, guided, case.guidance)
    trace = literal.plain(start, case.start)
    expected = literal.modulated(trace, frames, masks, strengths, modulation)

    assert relative(plain.states[9], trace.states[9]) < 1e-5
    assert relative(actual, expected) < 1e-4
    # The comparison means something: a modulation changes far more than the tolerance.
    assert relative(expected, trace.states[9][frames]) > 1e-2


def test_a_pass_does_not_depend_on_those_beside_it() -> None:
    case = Case(7)
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2)
    generator = torch.Generator().manual_seed(3)
    contexts = torch.randn(2, TOKENS, CONTEXT, generator=generator)
    backbone = ImageDiffusion("random", make_unet(case), vae, SD_SCHEDULE, contexts[1], contexts[0])
    modulation = Modulation(block=7, step=7, blend_through=8)
    start = torch.randn(FRAMES, 4, HEIGHT, WIDTH, generator=generator)
    plain = backbone.denoise(Start(start), Sampling(steps=10, start=7), [(7, 9), (5, 8)], modulation)
    frames = torch.tensor([0, 1, 1])
    masks = torch.rand(3, HEIGHT // 2, WIDTH // 2, generator=generator) < 0.5
    strengths = torch.tensor([50.0, 50.0, -50.0])
    together = backbone.denoise_modulated(plain, frames, masks, strengths, modulation)
    for i in range(3):
        one = slice(i, i + 1)
        alone = backbone.denoise_modulated(plain, frames[one], masks[one], strengths[one], modulation)
        assert relative(alone, together[one]) < 1e-5
    # Nor does a frame of the plain pass, and its queries.
    single = backbone.denoise(Start(start[1:]), Sampling(steps=10, start=7), [(7, 9), (5, 8)], None)
    for key, queries in single.queries.items():
        assert relative(queries[0], plain.queries[key][1]) < 1e-5
    assert relative(single.states[9][0], plain.states[9][1]) < 1e-5


def test_queries_are_those_of_the_first_layer() -> None:
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2)
    unet = make_unet(Case(6, layers=2))
    generator = torch.Generator().manual_seed(3)
    contexts = torch.randn(2, TOKENS, CONTEXT, generator=generator)
    start = torch.randn(FRAMES, 4, HEIGHT, WIDTH, generator=generator)
    kept: list[torch.Tensor] = []
    layers: Any = unet.up_blocks[2].attentions[0].transformer_blocks  # pyright: ignore
    handle = layers[0].attn1.to_q.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
    backbone = ImageDiffusion("random", unet, vae, SD_SCHEDULE, contexts[1], contexts[0])
    actual = backbone.denoise(Start(start), Sampling(steps=10, start=9), [(6, 9)]).queries[6, 9]
    handle.remove()
    assert torch.equal(actual, kept[0][FRAMES:])


def test_the_model_is_left_as_it_was() -> None:
    unet = make_unet(Case(7))
    vae = AutoencoderKL(block_out_channels=(4,), norm_num_groups=2)
    contexts = torch.randn(2, TOKENS, CONTEXT, generator=torch.Generator().manual_seed(3))
    inputs = torch.randn(1, 4, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(4))
    ask = torch.tensor(100)
    with torch.inference_mode():
        before = unet(inputs, ask, encoder_hidden_states=contexts[:1]).sample
    backbone = ImageDiffusion("random", unet, vae, SD_SCHEDULE, contexts[1], contexts[0])
    modulation = Modulation(block=7, step=7, blend_through=8)
    plain = backbone.denoise(Start(inputs), Sampling(steps=10, start=7), [(7, 9)], modulation)
    masks = torch.ones(1, HEIGHT // 2, WIDTH // 2)
    with pytest.raises(IndexError):
        backbone.denoise_modulated(plain, torch.tensor([5]), masks, torch.tensor([50.0]), modulation)
    backbone.denoise_modulated(plain, torch.tensor([0]), masks, torch.tensor([50.0]), modulation)
    with torch.inference_mode():
        after = unet(inputs, ask, encoder_hidden_states=contexts[:1]).sample
    assert torch.equal(before, after)
    assert not any(module._forward_hooks for module in unet.modules())


def test_both_kinds_of_given_attention_agree() -> None:
    torch.manual_seed(0)
    queries, keys = torch.randn(2, 3, 20, 32)
    values, rows = torch.randn(5, 20, 4, 8), torch.tensor([2, 0, 2, 1, 0])
    given = GivenAttention(queries, keys, rows)
    shared, fused = given._shared(values, 0.3), given._fused(values, 0.3)
    assert relative(fused, shared) < 1e-6
    # By hand, for one pass and one head.
    query, key = queries[2, :, 8:16], keys[2, :, 8:16]
    assert relative(shared[0, :, 1], torch.softmax(0.3 * query @ key.T, -1) @ values[0, :, 1]) < 1e-6
