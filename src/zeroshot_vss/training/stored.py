"""Networks of a model's folder, as trainings take them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import torch
from diffusers import ModelMixin

Network = TypeVar("Network", bound=ModelMixin)


def load_stored(kind: type[Network], folder: Path) -> Network:
    """The network in `folder`, in float32. Small ones: diffusers' way to save memory would ask for a package more."""
    return kind.from_pretrained(folder, torch_dtype=torch.float32, low_cpu_mem_usage=False)  # pyright: ignore
