"""Features at full resolution by a learned upsampler, and the nearest of the coarse map's labels for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zeroshot_vss.datasets.base import Clip
from zeroshot_vss.errors import InputError
from zeroshot_vss.method.batches import Row
from zeroshot_vss.method.context import normalise_tokens
from zeroshot_vss.settings.upsampling import Upsampling
from zeroshot_vss.upsamplers.base import Maps, Resources, Upsampler
from zeroshot_vss.upsamplers.hub import load_hub

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, by which such networks expect images."""


class Learned(Upsampler):
    """Each pixel takes the label whose mean token, over the frame's cells, is nearest to the pixel's own token."""

    def __init__(self, settings: Upsampling, resources: Resources) -> None:
        super().__init__(settings, resources)
        assert settings.learned is not None
        self.learned, self.device = settings.learned, resources.device
        self.model = load_hub(settings.learned).to(self.device)

    def upsample(self, clip: Clip, rows: Sequence[Row], coarse: Maps) -> Maps:
        frames = [row.frame for row in rows]
        tokens, made = normalise_tokens(self.resources.tokens(clip.name, frames)), []
        for image, some, labels in zip(clip.frames(frames), tokens, coarse, strict=True):
            features = torch.from_numpy(some).to(self.device)
            full = self._full(image, features) if len(np.unique(labels)) > 1 else None
            made.append(
                np.full(clip.size, labels.flat[0]) if full is None else nearest_labels(full, features, labels)
            )
        return np.stack(made)

    def _full(self, image: NDArray[np.uint8], tokens: Tensor) -> Tensor:
        """Tokens [h, w, C] at the size of the image [H, W, 3]: [H, W, C]."""
        size, wanted = image.shape[:2], (1, tokens.shape[-1], *image.shape[:2])
        mean, deviation = (torch.tensor(values, device=self.device) for values in (MEAN, DEVIATION))
        shown = (torch.from_numpy(image).to(self.device) / 255 - mean) / deviation
        with torch.no_grad():
            full = self.model(shown.permute(2, 0, 1)[None], tokens.permute(2, 0, 1)[None], output_size=tuple(size))
        shape = tuple(full.shape) if isinstance(full, Tensor) else type(full).__name__
        if shape != wanted:
            raise InputError(f"upsampling.learned: '{self.learned.entry}' made {shape}; expected features {wanted}")
        if not full.isfinite().all():
            raise InputError(f"upsampling.learned: '{self.learned.entry}' made numbers that are not finite")
        return full[0].permute(1, 2, 0)


def nearest_labels(full: Tensor, tokens: Tensor, coarse: Maps) -> Maps:
    """Labels [H, W] of tokens [H, W, C]: those of the nearest mean of the tokens [h, w, C] of a label's cells."""
    labels = np.unique(coarse)
    means = torch.stack([tokens[torch.from_numpy(coarse == label).to(tokens.device)].mean(0) for label in labels])
    return labels[torch.cdist(full, means[None]).argmin(-1).cpu().numpy()]
