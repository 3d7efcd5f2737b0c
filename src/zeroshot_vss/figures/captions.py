"""What a figure's caption says of the settings behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zeroshot_vss.settings.method import MethodSettings

LAMBDA = "\N{GREEK SMALL LETTER LAMDA}"


def describe(method: str, settings: Mapping[str, MethodSettings]) -> str:
    """A method and its settings in words, for captions: what all backbones share, then what each has for itself.

    Args:
        method: title.
        settings: by title of the backbone.
    """
    return _join_phrases(f"{method} with", {title: _method_phrases(one) for title, one in settings.items()})


def describe_queries(settings: Mapping[str, MethodSettings]) -> str:
    """Backbones and the settings of their features in words."""
    phrases = {title: [f"queries at {_step(one)}"] for title, one in settings.items()}
    return _join_phrases("With", phrases)


def _join_phrases(start: str, phrases: Mapping[str, list[str]]) -> str:
    lists = list(phrases.values())
    shared = [word for word in lists[0] if all(word in other for other in lists[1:])]
    text = f"{start} {' and '.join(phrases)}: {', '.join(shared)}" if shared else start
    for title, own in phrases.items():
        if rest := [word for word in own if word not in shared]:
            text += f"; {title}: {', '.join(rest)}"
    return f"{text}."


def _method_phrases(settings: MethodSettings) -> list[str]:
    context, refinement, modulation = settings.context, settings.refinement, settings.upsampling.modulation
    phrases = [
        f"features of {_blocks(context.blocks)} at {_step(settings)}",
        equal("K", context.clusters),
        equal("B", context.batches.size),
    ]
    if refinement is None:
        phrases.append("no CBR")
    elif refinement.variant == "released":
        phrases.append("CBR as released")
    else:
        kind = "direct CBR" if refinement.variant == "direct" else "CBR"
        limit = "without limit" if refinement.window is None else f"with {equal('T', refinement.window)}"
        phrases.append(f"{kind} {limit}")
    if modulation is None:
        return [*phrases, f"{settings.upsampling.upsampler} upsampling"]
    through = modulation.blend_through
    return [
        *phrases,
        f"block {modulation.block} modulated at step {modulation.step} with {equal(LAMBDA, modulation.strength)}",
        "no latent blending" if through is None else f"latents blended through step {through}",
        "no filter" if settings.upsampling.filter is None else equal("s", settings.upsampling.filter),
        *(["guided filter"] if settings.upsampling.guided else []),
    ]


def _step(settings: MethodSettings) -> str:
    return (
        f"step {settings.features.step} of {settings.sampling.steps} from the noise of step {settings.sampling.start}"
    )


def _blocks(blocks: Sequence[int]) -> str:
    return f"block{'s' if len(blocks) > 1 else ''} {', '.join(map(str, blocks))}"


def equal(name: str, value: float) -> str:
    """`name = value` that is not broken into lines."""
    return f"{name} = {value:g}".replace(" ", "\N{NO-BREAK SPACE}")
