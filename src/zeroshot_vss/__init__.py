"""Zero-shot video semantic segmentation from pre-trained diffusion models.

`segment("my.mp4")` gives label maps, names and confidence (:func:`zeroshot_vss.console.segment.segment`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zeroshot_vss.console.segment import Segmentation, segment

__all__ = ["Segmentation", "segment"]


def __getattr__(name: str) -> Any:
    # Loaded when asked for: the stages of the workflow import this package at every start.
    if name in __all__:
        from zeroshot_vss.console import segment

        return getattr(segment, name)
    raise AttributeError(f"module 'zeroshot_vss' has no attribute {name!r}")
