"""Numbers that are none stop a job: a NaN would become a label without a word."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from zeroshot_vss.errors import InputError


def check_finite(values: Tensor, stage: str, backbone: str, origins: Sequence[str] = ()) -> None:
    """Refuse NaN and infinite numbers.

    Args:
        values: [n, ...], one entry a frame.
        stage: what gave them, in messages: `encoding`.
        backbone: its name in the configuration.
        origins: where each of the n is from: `clip 'a', frame 3`; by default its place.

    Raises:
        InputError: naming the first frame, the stage and the setting that usually helps.
    """
    finite = values.isfinite()
    if bool(finite.all()):
        return
    first = int((~finite.flatten(1).all(1)).nonzero()[0, 0])
    origin = origins[first] if origins else f"image {first} of {len(values)}"
    raise InputError(
        f"backbone '{backbone}', {origin}: {stage} gave NaN or infinite numbers, which is usual where half precision "
        f"overflows; set backbones: {backbone}: precision: float32 (where it is, get the weights again)"
    )
