"""Whether the configuration can label a clip of the user."""

from __future__ import annotations

from zeroshot_vss.config.model import Config
from zeroshot_vss.errors import InputError
from zeroshot_vss.registry import did_you_mean


def check_own_clip(config: Config, name: str) -> None:
    """See that the configuration has a clip and that the method of the user's clips can label it.

    Raises:
        InputError: it has not, or cannot.
    """
    if name not in config.clips:
        known = f"known: {', '.join(config.clips)}" if config.clips else "there are none"
        raise InputError(f"clips: there is no clip '{name}'{did_you_mean(name, config.clips)}; {known}")
    chosen = config.user_clips.method
    method = config.method(chosen)
    running = ", ".join(other for other, known in config.methods.items() if known.has_backbone)
    if method.predictions is not None:
        raise InputError(
            f"user_clips: method: '{chosen}' is another system, of which only published figures are known here; "
            f"choose one that runs: {running}"
        )
    if method.segmenter is not None and "clips" not in method.segmenter.datasets:
        raise InputError(
            f"user_clips: method: '{chosen}' is a supervised network with classes of its own; "
            f"`methods: {chosen}: segmenter: datasets: [clips]` runs it on your clips, or choose one of: {running}"
        )
    if method.baseline is not None and method.baseline.kind == "first-frame" and config.clips[name].mask is None:
        raise InputError(
            f"user_clips: method: '{chosen}' copies the annotation of the first frame, and clip '{name}' has none; "
            f"give it one (`clips: {name}: {{path: ..., mask: ...}}`), or choose one of: {running}"
        )
